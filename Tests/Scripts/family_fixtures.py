"""Tiny random models of each text family: GGUF files, and what transformers computes with them.

    python family_fixtures.py FOLDER

Writes FOLDER/<name>.gguf (F32, byte-level vocabulary of 260), the same model as a folder FOLDER/<name> in Hugging Face's
layout, and FOLDER/reference.json: logits after two prompts and 32 tokens of greedy continuation. Weights are drawn wide, so that every part of a block moves the logits; norms and biases are
drawn, too. Ran with transformers 5.23, torch 2.13 (CPU) and gguf 0.19.
"""

import json
import pathlib
import sys

import gguf
import numpy
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from fixture_models import (
    CHATML,
    INTERNLM2_SETTINGS,
    add_tokenizer,
    finish,
    internlm2_tensors,
    permuted,
    randomize,
    tokenizer_json,
    vocabulary,
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
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
FAMILIES = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_theta=10000.0, tie_word_embeddings=False)),
    "llama3": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_parameters=LLAMA3, tie_word_embeddings=False)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SHAPE, rope_theta=1000000.0, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SHAPE, head_dim=16, rope_theta=1000000.0, tie_word_embeddings=False)),
    "granite": (
        GraniteForCausalLM,
        GraniteConfig(
            **SHAPE, rope_theta=10000.0, tie_word_embeddings=True, embedding_multiplier=3.0, residual_multiplier=0.4,
            attention_multiplier=0.2, logits_scaling=2.5,
        ),
    ),
    # Written with the names and tensors of InternLM2, which transformers does not have.
    "internlm2": (LlamaForCausalLM, LlamaConfig(**SHAPE, rope_theta=1000000.0, tie_word_embeddings=False)),
}
PERMUTED = ("llama", "llama3", "granite", "internlm2")
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
TOKENS = vocabulary(CHATML)
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def write_folder(folder, family, model, shards):
    """The files that Hugging Face publishes. The tokenizer's are written here, so that nothing has to be fetched."""
    model.generation_config.eos_token_id = [258, 256]
    model.config.bos_token_id, model.config.eos_token_id = 256, 258
    model.save_pretrained(folder, max_shard_size="60KB" if shards else "5GB")
    if family == "internlm2":
        rename_to_internlm2(folder, model)
    is_qwen = family.startswith("qwen")
    tokenizer = tokenizer_json(TOKENS, CHATML, "qwen" if is_qwen else None, paired=is_qwen)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    settings = {"bos_token": None if is_qwen else "<|endoftext|>", "eos_token": "<|im_end|>", "add_bos_token": False}
    if is_qwen:
        (folder / "chat_template.jinja").write_text(TEMPLATE)
    else:
        settings["chat_template"] = TEMPLATE
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def rename_to_internlm2(folder, model):
    """The checkpoint as InternLM2's authors lay it out."""
    tensors = internlm2_tensors(model.state_dict(), model.config)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config |= INTERNLM2_SETTINGS
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def write_gguf(path, name, model):
    family = "llama" if name.startswith("llama") else name
    config = model.config
    writer = gguf.GGUFWriter(path, family)
    writer.add_name(f"tiny random {name}")
    writer.add_chat_template(TEMPLATE)
    writer.add_license("CC0-1.0")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if family == "granite":
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_attention_scale(config.attention_multiplier)
        writer.add_logit_scale(config.logits_scaling)
    if getattr(config, "head_dim", None) and config.head_dim * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    add_tokenizer(writer, TOKENS, CHATML, "qwen" if family.startswith("qwen") else None, "<|im_end|>", False)
    for published, tensor in model.state_dict().items():
        data = tensor.float().numpy()
        if published == "model.embed_tokens.weight":
            target = "token_embd.weight"
        elif published == "model.norm.weight":
            target = "output_norm.weight"
        elif published == "lm_head.weight":
            if config.tie_word_embeddings:
                continue
            target = "output.weight"
        else:
            _, _, layer, part = published.split(".", 3)
            target = f"blk.{layer}.{NAMES[part]}"
            if name in PERMUTED and part == "self_attn.q_proj.weight":
                data = permuted(data, config.num_attention_heads)
            if name in PERMUTED and part == "self_attn.k_proj.weight":
                data = permuted(data, config.num_key_value_heads)
        writer.add_tensor(target, numpy.ascontiguousarray(data, dtype=numpy.float32))
    if name == "llama3":
        # As converters to GGUF store it: the divisor of each frequency.
        stretched = model.model.rotary_emb.inv_freq
        plain = 1 / LLAMA3["rope_theta"] ** (torch.arange(0, 8, 2).float() / 8)
        writer.add_tensor("rope_freqs.weight", (plain / stretched).numpy())
    finish(writer)


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
        randomize(model.named_parameters(), seed)
        write_gguf(folder / f"{family}.gguf", family, model)
        write_folder(folder / family, family, model, shards=family == "qwen3")
        families[family] = [reference(model, prompt) for prompt in PROMPTS]
    note = f"transformers {transformers.__version__}, torch {torch.__version__}"
    (folder / "reference.json").write_text(json.dumps({"made with": note, "families": families}) + "\n")


main()
