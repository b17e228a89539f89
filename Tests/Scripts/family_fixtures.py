"""Tiny random models of each text family: GGUF files, and what transformers computes with them.

    python family_fixtures.py FOLDER

Writes FOLDER/<family>.gguf (F32, byte-level vocabulary of 260) and FOLDER/reference.json: logits after two prompts and 32
tokens of greedy continuation. Weights are drawn wide, so that every part of a block moves the logits; norms and biases are
drawn, too. Ran with transformers 5.23, torch 2.13 (CPU) and gguf 0.19.
"""

import json
import pathlib
import sys

import gguf
import numpy
import torch
import transformers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

VOCABULARY = 260
SHAPE = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    rms_norm_eps=1e-6,
)
FAMILIES = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_theta=10000.0, tie_word_embeddings=False)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SHAPE, rope_theta=1000000.0, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SHAPE, head_dim=16, rope_theta=1000000.0, tie_word_embeddings=False)),
}
PROMPTS = ["Once upon a time", "2 + 2 = "]
NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) if byte in kept else chr(256 + others.index(byte)) for byte in range(256)]


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.3 * drawn)
            elif name.endswith("bias"):
                parameter.copy_(0.5 * drawn)
            elif "embed" in name:
                parameter.copy_(drawn)
            else:
                parameter.copy_(drawn / parameter.shape[1] ** 0.5)


def permuted(weight, heads):
    """Rows of queries or keys as Llama's GGUF files have them: the halves of a head interleaved."""
    dimension = weight.shape[0] // heads
    return weight.reshape(heads, 2, dimension // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(path, family, model):
    config = model.config
    writer = gguf.GGUFWriter(path, family)
    writer.add_name(f"tiny random {family}")
    writer.add_license("CC0-1.0")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if getattr(config, "head_dim", None) and config.head_dim * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    tokens = byte_alphabet() + ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "th"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if family.startswith("qwen") else "gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 256 + [3] * 3 + [1])
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(258)
    writer.add_add_bos_token(False)
    for name, tensor in model.state_dict().items():
        data = tensor.float().numpy()
        if name == "model.embed_tokens.weight":
            target = "token_embd.weight"
        elif name == "model.norm.weight":
            target = "output_norm.weight"
        elif name == "lm_head.weight":
            if config.tie_word_embeddings:
                continue
            target = "output.weight"
        else:
            _, _, layer, part = name.split(".", 3)
            target = f"blk.{layer}.{NAMES[part]}"
            if family == "llama" and part == "self_attn.q_proj.weight":
                data = permuted(data, config.num_attention_heads)
            if family == "llama" and part == "self_attn.k_proj.weight":
                data = permuted(data, config.num_key_value_heads)
        writer.add_tensor(target, numpy.ascontiguousarray(data, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference(model, prompt):
    tokens = [byte for byte in prompt.encode()]
    result = {"prompt": tokens}
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, -1]
        result["logits"] = [float(f"{value:.7g}") for value in logits.tolist()]
        greedy = []
        for _ in range(32):
            ids = torch.tensor([tokens + greedy])
            greedy.append(int(model(ids).logits[0, -1].argmax()))
        result["greedy"] = greedy
    return result


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    families = {}
    for seed, (family, (kind, config)) in enumerate(FAMILIES.items()):
        model = kind(config).eval()
        randomize(model, seed)
        write_gguf(folder / f"{family}.gguf", family, model)
        families[family] = [reference(model, prompt) for prompt in PROMPTS]
    note = f"transformers {transformers.__version__}, torch {torch.__version__}"
    (folder / "reference.json").write_text(json.dumps({"made with": note, "families": families}) + "\n")


main()
