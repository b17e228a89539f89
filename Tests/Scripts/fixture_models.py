"""What the random models of several fixtures have in common: tokenizers, weights and the layouts of their files.

Read by family_fixtures.py, vision_fixtures.py and img_focus.py, each of which names the versions it ran with.
"""

import torch

CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

# Tokenizers


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) if byte in kept else chr(256 + others.index(byte)) for byte in range(256)]


QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Ways to split a text before bytes are merged, and llama.cpp's names of them.
PRE_TOKENIZERS = {"qwen": "qwen2", "smollm": "smollm", None: "gpt-2"}


def vocabulary(special):
    """The bytes, the special tokens, and one token that a merge makes."""
    return byte_alphabet() + special + ["th"]


def starting_with(token, index):
    """The post-processor that puts a token before every text."""
    return {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [index], "tokens": [token]}},
    }


def tokenizer_json(tokens, special, splits=None, bos=None, paired=True):
    """The contents of tokenizer.json. "splits" is a key of PRE_TOKENIZERS, "bos" the token put before every text.

    A merge is one string in older files, and two in newer ones ("paired").
    """
    ids = {token: index for index, token in enumerate(tokens)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    split = {"type": "Split", "pattern": {"Regex": QWEN_PATTERN}, "behavior": "Isolated", "invert": False}
    digits = {"type": "Digits", "individual_digits": True}
    steps = {
        "qwen": {"type": "Sequence", "pretokenizers": [split, {**byte_level, "use_regex": False}]},
        "smollm": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        None: byte_level,
    }
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": ids[token], "content": token, "special": True, "lstrip": False, "rstrip": False,
             "normalized": False, "single_word": False}
            for token in special
        ],
        "normalizer": {"type": "NFC"} if splits == "qwen" else None,
        "pre_tokenizer": steps[splits],
        "post_processor": starting_with(bos, ids[bos]) if bos else byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            # Special ones too: tokenizers numbers an added token anew, whatever its "id", unless it is in here.
            "vocab": ids,
            "merges": [["t", "h"]] if paired else ["t h"],
        },
    }


def add_tokenizer(writer, tokens, special, splits, eos, add_bos):
    """The same tokenizer in a GGUF file. The first special token is the one before a text."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZERS[splits])
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(tokens.index(special[0]))
    writer.add_eos_token_id(tokens.index(eos))
    writer.add_add_bos_token(add_bos)


# Weights


def spread_text(name, drawn):
    """Values for a parameter of a text decoder, from normally distributed ones: wide, so that it moves the logits."""
    if "norm" in name:
        return 1 + 0.3 * drawn
    if name.endswith("bias"):
        return 0.5 * drawn
    if "embed" in name:
        return drawn
    return drawn / drawn.shape[1] ** 0.5


def randomize(parameters, seed, spread=spread_text):
    """Draws named parameters one after the other."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in parameters:
            parameter.copy_(spread(name, torch.randn(parameter.shape, generator=generator)))


# Layouts


def permuted(weight, heads):
    """Rows of queries or keys as Llama's GGUF files have them: the halves of a head interleaved."""
    dimension = weight.shape[0] // heads
    return weight.reshape(heads, 2, dimension // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def finish(writer):
    """Writes a GGUF file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# transformers has no InternLM2 of its own: it is Llama with other names, and queries, keys and values in one tensor.

INTERNLM2_SETTINGS = {
    "model_type": "internlm2",
    "architectures": ["InternLM2ForCausalLM"],
    "bias": False,
    "rope_scaling": {"type": "dynamic", "factor": 2.0},
}
INTERNLM2_NAMES = {
    "input_layernorm": "attention_norm",
    "self_attn.o_proj": "attention.wo",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2",
}


def fused(queries, keys, values, heads):
    """InternLM2's rows: of each key/value head first its queries, then its keys, then its values."""
    parts = [part.reshape(heads, -1, part.shape[-1]) for part in (queries, keys, values)]
    return torch.cat(parts, dim=1).reshape(-1, queries.shape[-1]).contiguous()


def internlm2_tensors(state, config, start=""):
    """The tensors of a LlamaForCausalLM, whose names begin with "start", as InternLM2's authors lay them out."""
    tensors = {
        f"{start}model.tok_embeddings.weight": state[f"{start}model.embed_tokens.weight"],
        f"{start}model.norm.weight": state[f"{start}model.norm.weight"],
        f"{start}output.weight": state[f"{start}lm_head.weight"],
    }
    for layer in range(config.num_hidden_layers):
        prefix = f"{start}model.layers.{layer}."
        q, k, v = (state[f"{prefix}self_attn.{part}_proj.weight"] for part in "qkv")
        tensors[f"{prefix}attention.wqkv.weight"] = fused(q, k, v, config.num_key_value_heads)
        for name, renamed in INTERNLM2_NAMES.items():
            tensors[f"{prefix}{renamed}.weight"] = state[f"{prefix}{name}.weight"]
    return tensors
