"""Muon: steps of orthogonalized momentum for matrices (Jordan et al. 2024; scaled as in Liu et al., arXiv 2502.16982).

torch.optim.Muon computes in bfloat16, which crawls on processors without instructions for it; this one computes in the
precision that it is told, and all matrices of one shape at once.
"""

import torch

# The quintic iteration's coefficients, which drive every singular value near 1 in five rounds.
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalized(matrices, rounds=5):
    """U Vᵀ, nearly, of every U S Vᵀ among matrices [count, rows, columns]."""
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        gram = x @ x.mT
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """For matrices [rows, columns] only; a learning rate that suits AdamW suits it."""

    def __init__(self, matrices, lr=1e-3, momentum=0.95, weight_decay=0.0, precision=torch.float32):
        super().__init__(list(matrices), dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
        self.precision = precision

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            by_shape = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                momenta = []
                for weight in weights:
                    state = self.state[weight]
                    if "momentum" not in state:
                        state["momentum"] = torch.zeros_like(weight)
                    state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                    # Nesterov: where the momentum will be.
                    momenta.append(weight.grad.lerp(state["momentum"], group["momentum"]))
                updates = orthogonalized(torch.stack(momenta).to(self.precision)).to(weights[0].dtype)
                # The mean square of an update is then that of AdamW's.
                length = 0.2 * max(shape) ** 0.5 * group["lr"]
                for weight, update in zip(weights, updates):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-length)
