"""Attention by matrix products: equal to PyTorch's own, forward and backward."""

import attention
import pytest
import torch
from torch.nn import functional


class Layer(torch.nn.Module):
    def __init__(self, is_causal):
        super().__init__()
        self.is_causal = is_causal


@pytest.mark.parametrize("seen", ["all", "causal", "branches"])
def test_it_says_and_learns_what_pytorchs_own_does(seen):
    torch.manual_seed(3)
    rows, heads, tokens, width = 2, 3, 17, 8
    parts = [torch.randn(rows, tokens, heads, width).transpose(1, 2).requires_grad_() for _ in range(3)]
    mask = (torch.rand(rows, 1, tokens, tokens) < 0.5).tril() | torch.eye(tokens, dtype=torch.bool)
    mask = mask if seen == "branches" else None
    wanted = functional.scaled_dot_product_attention(*parts, attn_mask=mask, is_causal=seen == "causal", scale=0.3)
    said, _ = attention.products(Layer(seen == "causal"), *parts, mask, scaling=0.3)  # [rows, tokens, heads, width]
    torch.testing.assert_close(said, wanted.transpose(1, 2))

    weights = torch.randn_like(said)
    ours = torch.autograd.grad((said * weights).sum(), parts)
    theirs = torch.autograd.grad((wanted * weights.transpose(1, 2)).sum(), parts)
    for one, two in zip(ours, theirs):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_it_computes_in_autocasts_precision():
    parts = [torch.randn(1, 2, 5, 8, requires_grad=True) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        said, _ = attention.products(Layer(True), *parts, None)
    assert said.dtype == torch.bfloat16
    said.float().sum().backward()
    assert all(part.grad.dtype == torch.float32 and part.grad.isfinite().all() for part in parts)
    wanted = functional.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2)
    torch.testing.assert_close(said.float(), wanted, rtol=0.05, atol=0.05)


def test_without_gradients_it_is_pytorchs_own_so_that_a_cache_can_be_used():
    query, keys = torch.randn(1, 2, 1, 8), torch.randn(1, 2, 6, 8)
    with torch.no_grad():
        said, _ = attention.products(Layer(True), query, keys, keys, None)
    torch.testing.assert_close(said, functional.scaled_dot_product_attention(query, keys, keys).transpose(1, 2))
