#!/usr/bin/env python3
"""Writes Tests/EMLLMCoreTests/Fixtures/smollm2/reference.json: what an independent implementation computes.

    smollm2_reference.py SmolLM2-135M-Instruct.Q4_1.gguf Tests/EMLLMCoreTests/Fixtures/smollm2/reference.json

The GGUF file's weights are dequantized to float32 and put into transformers' LlamaForCausalLM; its vocabulary and
merges into a Hugging Face tokenizer. Nothing of EMLLM runs here. Two sets of logits are written for every prompt:

  * "float":  float32 activations, the plain reference;
  * "q8":     the same model, with the input of every linear layer rounded to 8 bits in blocks of 32 (scale max|x|/127,
              round half to even), which is the one approximation the engine makes by default.

"q8" is no oracle for single logits: rounding is chaotic, so that the same simulation in float64 already lands elsewhere
(root mean square 0.18, against 0.25 between "q8" and "float"). It tells how far from "float" 8-bit activations put a
correct implementation, and that is how the tests use it.

Made with Python 3.11, torch 2.13.0, transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0. Never needed to run the tests.
"""

import hashlib
import json
import sys

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TOP = 20
CONTINUATION = 16
CONTROL = 3  # GGUF's token type of special tokens
BLOCK = 32

TIDES = (
    "The tide is the slow rise and fall of the sea. Twice a day, along most coasts, the water climbs the beach, waits, "
    "and then draws back again, leaving wet sand, shells and small pools full of life. People who live by the sea learn "
    "its timetable early: fishermen leave with the ebb, children hurry across the causeway before the flood, and "
    "harbour masters keep printed tables on the wall. The cause lies far away. The moon pulls on the near side of the "
    "earth a little harder than on its centre, and on the centre a little harder than on the far side. The difference "
    "stretches the oceans into a very flat egg with two bulges, and as the earth turns beneath them, every shore passes "
    "through both. The sun does the same with less than half the strength, because it is so much farther away. When sun "
    "and moon stand in line, at new moon and at full moon, their pulls add up and we speak of spring tides; when they "
    "stand at right angles, they work against each other and the neap tides hardly move. The shape of the coast does the "
    "rest. In a wide ocean the bulge is less than a metre high, but in a bay that narrows like a funnel the water is "
    "pushed together until it stands as high as a house. "
)

LISTING = (
    "from dataclasses import dataclass\n\n\n@dataclass\nclass Stack:\n    items: list\n\n    def push(self, item):\n"
    "        self.items.append(item)\n\n    def pop(self):\n        if not self.items:\n"
    '            raise IndexError("pop from an empty stack")\n        return self.items.'
)


def chat(*turns):
    """Messages from (role, content) pairs."""
    return [{"role": role, "content": content} for role, content in turns]


CHATS = {
    "capital": chat(("user", "What is the capital of France?")),
    "arithmetic": chat(("user", "Tom has 3 boxes with 12 pencils each. He gives away 7 pencils. How many are left?")),
    "system": chat(("system", "You answer in one word."), ("user", "Which colour is a ripe banana?")),
    "multi-turn": chat(
        ("system", "You are a patient teacher."),
        ("user", "What is a prime number?"),
        ("assistant", "A whole number above 1 that only 1 and itself divide."),
        ("user", "Is 51 one of them? Explain."),
    ),
    "code-question": chat(("user", "Write a Python function that reverses a string.")),
    "verdict": chat(
        ("user", "Question: What is 17 + 25?\nStep: 17 + 25 = 42\n\nIs this step correct? Answer yes or no.")
    ),
    "newlines": chat(("user", "\n\n  List three fruits:\n\n- \n")),
    "tides": chat(("user", "Summarize this text in one sentence.\n\n" + TIDES)),
}

TEXTS = {
    "english": "The quick brown fox jumps over the lazy",
    "one-token": "Hello",
    "sky": "At night the sky is full of",
    "gravity": "Gravity is",
    "python": "def fibonacci(n):\n    if n < 2:\n        return n\n    return ",
    "listing": LISTING,
    "json": '{"name": "Ada", "born": 1815, "languages": ["English", ',
    "html": '<ul>\n  <li><a href="https://example.org/a?b=1&c=2">First</a></li>\n  <li>',
    "c": "for (int i = 0; i < 10; i++) {\n\tprintf(\"%d\\n\", ",
    "digits": "1 2 3 4 5 6 7 8 9 10 11 12",
    "pi": "3.14159265358979",
    "sum": "1234 + 5678 = ",
    "date": "2024-02-29T23:59:60Z is a leap",
    "spaces": "a  b   c    d\t\te\n\n\nf",
    "quotes": "\u201cIt\u2019s not what I\u2019d\u201d, she'll say, 'we've",
    "german": "Die Fl\u00fcsse und B\u00e4che in \u00d6sterreich flie\u00dfen",
    "french": "Les \u00e9l\u00e8ves sont all\u00e9s \u00e0 l'\u00e9cole o\u00f9 ils ont",
    "greek": "\u0397 \u0391\u03b8\u03ae\u03bd\u03b1 \u03b5\u03af\u03bd\u03b1\u03b9 \u03b7",
    "russian": "\u041c\u043e\u0441\u043a\u0432\u0430 \u2014 \u0441\u0442\u043e\u043b\u0438\u0446\u0430",
    "hindi": "\u092d\u093e\u0930\u0924 \u0915\u0940 \u0930\u093e\u091c\u0927\u093e\u0928\u0940",
    "arabic": "\u0639\u0627\u0635\u0645\u0629 \u0645\u0635\u0631 \u0647\u064a",
    "chinese": "\u4e2d\u56fd\u7684\u9996\u90fd\u662f\u5317\u4eac\u3002\u65e5\u672c\u7684\u9996\u90fd\u662f",
    "japanese": "\u65e5\u672c\u3067\u4e00\u756a\u9ad8\u3044\u5c71\u306f",
    "korean": "\ub300\ud55c\ubbfc\uad6d\uc758 \uc218\ub3c4\ub294",
    "emoji": "I love pizza \U0001f355 and \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family \u2764\ufe0f",
    "combining": "e\u0301 n\u0303 a\u030a \u1e9e \u0130 \u01c5",
    # Longer than one prefill piece of the engine, so that its seam is crossed.
    "long": TIDES * 3 + "In short,",
}

# Prompts whose greedy continuation is written, and (prompt, continuation) pairs whose log-probabilities are.
GREEDY = ["capital", "arithmetic", "code-question", "sky", "python", "digits"]
SCORED = [
    ("capital", "The capital of France is Paris."),
    ("capital", "The capital of France is London."),
    ("verdict", "Yes"),
    ("verdict", "No"),
    ("sum", "6912"),
    ("english", " dog. The dog sleeps, and the fox runs on into the forest, where nobody has seen it since."),
]


class Source:
    """The GGUF file: metadata by key, tensors by name as float32."""

    def __init__(self, path):
        self.reader = GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in self.reader.tensors}

    def __getitem__(self, key):
        return self.reader.fields[key].contents()

    def tensor(self, name):
        tensor = self.tensors[name]
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        return torch.from_numpy(values.reshape(tuple(int(n) for n in reversed(tensor.shape))))


def halves(weight, heads):
    """GGUF stores Q and K rows for rotating neighbours (0,1); transformers rotates halves (0,D/2). [heads * D, K]"""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.transpose(1, 2).reshape(rows, columns).contiguous()


def build_model(source):
    heads = source["llama.attention.head_count"]
    key_heads = source["llama.attention.head_count_kv"]
    layers = source["llama.block_count"]
    config = LlamaConfig(
        vocab_size=source["llama.vocab_size"],
        hidden_size=source["llama.embedding_length"],
        intermediate_size=source["llama.feed_forward_length"],
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=source["llama.context_length"],
        rms_norm_eps=source["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": source["llama.rope.freq_base"]},
        tie_word_embeddings="output.weight" not in source.tensors,
        attn_implementation="eager",
    )
    state = {
        "model.embed_tokens.weight": source.tensor("token_embd.weight"),
        "model.norm.weight": source.tensor("output_norm.weight"),
    }
    state["lm_head.weight"] = (
        state["model.embed_tokens.weight"] if config.tie_word_embeddings else source.tensor("output.weight")
    )
    for layer in range(layers):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        state[theirs + "input_layernorm.weight"] = source.tensor(ours + "attn_norm.weight")
        state[theirs + "post_attention_layernorm.weight"] = source.tensor(ours + "ffn_norm.weight")
        state[theirs + "self_attn.q_proj.weight"] = halves(source.tensor(ours + "attn_q.weight"), heads)
        state[theirs + "self_attn.k_proj.weight"] = halves(source.tensor(ours + "attn_k.weight"), key_heads)
        state[theirs + "self_attn.v_proj.weight"] = source.tensor(ours + "attn_v.weight")
        state[theirs + "self_attn.o_proj.weight"] = source.tensor(ours + "attn_output.weight")
        for name in ("gate", "up", "down"):
            state[theirs + f"mlp.{name}_proj.weight"] = source.tensor(ours + f"ffn_{name}.weight")
    model = LlamaForCausalLM(config).to(torch.float32).eval()
    model.load_state_dict(state, strict=True)
    assert model.config.rope_parameters["rope_theta"] == source["llama.rope.freq_base"]
    return model


def build_tokenizer(source):
    tokens = source["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in source["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    # What the model's published tokenizer.json does: digits one by one, then GPT-2's pattern and byte alphabet.
    assert source["tokenizer.ggml.pre"] == "smollm"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    types = source["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token, kind in zip(tokens, types) if kind == CONTROL]
    )
    assert tokenizer.get_vocab_size() == len(tokens)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    fast.chat_template = source["tokenizer.chat_template"]
    return fast


def round_to_8_bits(values):
    """Values as 8-bit activations carry them, in blocks of 32 along the last axis."""
    blocks = values.reshape(*values.shape[:-1], values.shape[-1] // BLOCK, BLOCK)
    scale = blocks.abs().amax(dim=-1, keepdim=True) / 127
    inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
    return (torch.round(blocks * inverse) * scale).reshape(values.shape)


class EightBitInputs:
    """While it lasts, every linear layer of the model sees its input in 8 bits."""

    def __init__(self, model):
        self.layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]

    def __enter__(self):
        self.hooks = [
            layer.register_forward_pre_hook(lambda _, inputs: (round_to_8_bits(inputs[0]),)) for layer in self.layers
        ]

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


@torch.inference_mode()
def logits_of(model, ids):
    """Logits after every position. [positions, vocabulary]"""
    return model(torch.tensor([ids])).logits[0]


@torch.inference_mode()
def greedy(model, ids):
    """The likeliest next tokens, and the smallest lead that one had over the second."""
    tokens, lead = [], float("inf")
    for _ in range(CONTINUATION):
        best = logits_of(model, ids + tokens)[-1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        tokens.append(best.indices[0].item())
    return tokens, lead


def rounded(value):
    """Six decimals: a hundredth of what the tests tell apart."""
    return round(float(value), 6)


def main():
    path, output = sys.argv[1:]
    source = Source(path)
    model, tokenizer = build_model(source), build_tokenizer(source)
    torch.set_num_threads(2)

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False)

    prompts = []
    for name, messages in CHATS.items():
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        prompts.append({"name": name, "messages": messages, "tokens": encode(text)})
    prompts += [{"name": name, "text": text, "tokens": encode(text)} for name, text in TEXTS.items()]
    prompts.append({"name": "beginning", "tokens": [source["tokenizer.ggml.bos_token_id"]]})
    by_name = {prompt["name"]: prompt for prompt in prompts}

    noise = []
    for prompt in prompts:
        exact = logits_of(model, prompt["tokens"])[-1]
        with EightBitInputs(model):
            approximate = logits_of(model, prompt["tokens"])[-1]
        top = exact.topk(TOP)
        lead = (top.values[0] - top.values[1]).item()
        assert lead > 0.002, f"{prompt['name']}: a lead of {lead} does not tell right from wrong; change the prompt"
        noise.append((approximate - exact)[top.indices].abs().max().item())
        prompt["top"] = top.indices.tolist()
        prompt["float"] = [rounded(value) for value in top.values]
        prompt["q8"] = [rounded(value) for value in approximate[top.indices]]
        print(
            f"{prompt['name']:14s} {len(prompt['tokens']):4d} tokens  lead {lead:7.3f}  8-bit noise {noise[-1]:.3f}"
            f"  {'same' if approximate.argmax() == exact.argmax() else 'OTHER'} argmax"
            f"  {tokenizer.decode(top.indices[:1])!r}"
        )

    continuations = []
    for name in GREEDY:
        tokens, lead = greedy(model, by_name[name]["tokens"])
        assert lead > 0.005, f"{name}: a lead of {lead} does not tell right from wrong; change the prompt"
        continuations.append({"prompt": name, "tokens": tokens, "text": tokenizer.decode(tokens)})
        print(f"{name}: smallest lead {lead:.3f}, {tokenizer.decode(tokens)!r}")

    scores = []
    for name, text in SCORED:
        prompt, tokens = by_name[name]["tokens"], encode(text)
        rows = logits_of(model, prompt + tokens)[len(prompt) - 1 : -1].double().log_softmax(dim=-1)
        values = [rounded(row[token]) for row, token in zip(rows, tokens)]
        scores.append({"prompt": name, "text": text, "tokens": tokens, "logProbabilities": values})
        print(f"{name}: log p({text!r}) = {sum(values):.3f}")

    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    document = {
        "model": source["general.name"],
        "sha256": digest,
        "madeWith": "Tests/Scripts/smollm2_reference.py",
        "prompts": prompts,
        "continuations": continuations,
        "scores": scores,
    }
    print(f"8-bit noise on the top {TOP}: largest {max(noise):.3f}, median {float(np.median(noise)):.3f}")
    with open(output, "w", encoding="utf-8") as file:
        # One line per prompt: readable differences without a line per number.
        file.write("{\n")
        for position, (key, value) in enumerate(document.items()):
            end = "\n" if position == len(document) - 1 else ",\n"
            if isinstance(value, list):
                rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in value)
                file.write(f'  "{key}": [\n{rows}\n  ]{end}')
            else:
                file.write(f'  "{key}": {json.dumps(value)}{end}')
        file.write("}\n")


if __name__ == "__main__":
    main()
