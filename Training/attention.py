"""Attention for training in bfloat16 on a CPU: five matrix products, which AMX computes faster than the way back of
PyTorch's own attention.

It has no dropout, as many heads of keys as of queries, and keeps the probabilities [rows, heads, tokens, tokens] for the way
back; so it is for rows of some hundred tokens. Every token has to see one at least.
"""

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "products"


class Products(torch.autograd.Function):
    """softmax(Q Kᵀ · scale + mask) V of [batch, tokens, width]; `hidden` [batch or 1, tokens, tokens] is what is not seen."""

    @staticmethod
    def forward(context, queries, keys, values, hidden, scale):
        scores = torch.bmm(queries * scale, keys.mT)
        if hidden is not None:
            scores.masked_fill_(hidden, -torch.inf)
        shares = torch.softmax(scores, -1)
        context.save_for_backward(queries, keys, values, shares)
        context.scale = scale
        return torch.bmm(shares, values)

    @staticmethod
    def backward(context, gradient):
        queries, keys, values, shares = context.saved_tensors
        gradient = gradient.contiguous()
        of_values = torch.bmm(shares.mT, gradient)
        of_scores = torch.ops.aten._softmax_backward_data(torch.bmm(gradient, values.mT), shares, -1, shares.dtype)
        of_queries = torch.bmm(of_scores, keys).mul_(context.scale)
        of_keys = torch.bmm(of_scores.mT, queries).mul_(context.scale)
        return of_queries, of_keys, of_values, None, None


def products(module, query, key, value, attention_mask, scaling=None, **others):
    """What transformers calls with [rows, heads, tokens, width]; what is seen [rows, 1, tokens, tokens], or nothing."""
    if not torch.is_grad_enabled():
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    rows, heads, tokens, width = query.shape
    hidden = None
    if attention_mask is not None:
        hidden = ~attention_mask.expand(rows, heads, tokens, tokens).flatten(0, 1)
    elif getattr(module, "is_causal", False):
        hidden = torch.ones(1, tokens, tokens, dtype=torch.bool, device=query.device).triu(1)
    device = query.device.type
    precision = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else query.dtype
    flat = (part.to(precision).reshape(rows * heads, tokens, width) for part in (query, key, value))
    with torch.autocast(device, enabled=False):
        said = Products.apply(*flat, hidden, width**-0.5 if scaling is None else scaling)
    return said.unflatten(0, (rows, heads)).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, products)
AttentionMaskInterface.register(NAME, sdpa_mask)
