"""The model: Idefics 3's layout as transformers has it, with heads for the supervision of perception beside it.

A vision transformer reads 16 × 16 patches of a picture of 256 × 256; each 2 × 2 of its outputs become one of 64 image
tokens (pixel shuffle and a linear layer, Laurençon et al., arXiv 2408.12637); a Llama decoder reads them before the text.
"""

from dataclasses import asdict, dataclass

import torch
import transformers
from puzzles.labels import HEADS
from tokenizer import CONTEXT, END, IMAGE, PAD, START
from torch import nn
from torch.nn import functional

PICTURE, PATCH, MERGE = 256, 16, 2
CELLS = PICTURE // PATCH // MERGE
IMAGE_TOKENS = CELLS * CELLS


@dataclass(frozen=True)
class Sizes:
    """Layers and widths; heads are 32 wide."""

    vision_layers: int = 5
    vision_width: int = 192
    text_layers: int = 6
    text_width: int = 192
    text_inner: int = 512


def configuration(sizes, tokenizer):
    """The published form of the sizes."""
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (PAD, START, END, IMAGE)}
    vision = dict(
        hidden_size=sizes.vision_width,
        intermediate_size=4 * sizes.vision_width,
        num_hidden_layers=sizes.vision_layers,
        num_attention_heads=sizes.vision_width // 32,
        image_size=PICTURE,
        patch_size=PATCH,
        hidden_act="gelu_pytorch_tanh",
    )
    text = dict(
        model_type="llama",
        hidden_size=sizes.text_width,
        intermediate_size=sizes.text_inner,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=sizes.text_width // 32,
        num_key_value_heads=max(1, sizes.text_width // 64),
        head_dim=32,
        vocab_size=len(tokenizer),
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        rope_theta=10000.0,
        bos_token_id=ids[START],
        eos_token_id=ids[END],
        pad_token_id=ids[PAD],
        tie_word_embeddings=True,
    )
    return transformers.Idefics3Config(
        vision_config=vision,
        text_config=text,
        scale_factor=MERGE,
        image_token_id=ids[IMAGE],
        pad_token_id=ids[PAD],
        tie_word_embeddings=True,
    )


class Trainee(nn.Module):
    """The model in training: transformers' own modules, and a reader of cells that is left out of exports."""

    def __init__(self, sizes, tokenizer):
        super().__init__()
        self.sizes = sizes
        self.model = transformers.Idefics3ForConditionalGeneration(configuration(sizes, tokenizer))
        self.model.generation_config = generation_config(tokenizer)
        width = sizes.text_width
        self.readers = nn.ModuleDict({name: nn.Linear(width, len(classes)) for name, classes in HEADS.items()})
        self.reader_norm = nn.LayerNorm(width)

    def see(self, pixels):
        """Image tokens [pictures, IMAGE_TOKENS, width] of normalized pixels [pictures, 3, PICTURE, PICTURE]."""
        features = self.model.model.get_image_features(pixels[:, None], return_dict=True).pooler_output
        return torch.stack(list(features))

    def read(self, features):
        """Logits of every head for every cell: name → [pictures, IMAGE_TOKENS, classes]."""
        normed = self.reader_norm(features)
        return {name: head(normed) for name, head in self.readers.items()}

    def say(self, ids, features, targets):
        """Logits [targets, vocabulary] after the tokens that `targets` [rows, length] marks, of ids [rows, length].

        Rows are padded on the right, which a causal decoder does not see; so there is no mask.
        """
        embeddings = self.model.model.text_model.embed_tokens(ids)
        places = (ids == self.model.config.image_token_id)[..., None].expand_as(embeddings)
        embeddings = embeddings.masked_scatter(places, features.to(embeddings.dtype))
        states = self.model.model.text_model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
        return self.model.lm_head(states[targets])


def generation_config(tokenizer):
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (PAD, START, END)}
    return transformers.GenerationConfig(
        bos_token_id=ids[START], eos_token_id=[ids[END]], pad_token_id=ids[PAD], do_sample=False
    )


def reading_loss(logits, labels, background=0.1):
    """Cross entropy of cells [pictures, IMAGE_TOKENS, heads]; a cell with nothing to read counts `background`."""
    weights = torch.where(labels.any(-1), 1.0, background)
    losses = [
        functional.cross_entropy(logits[name].float().flatten(0, 1), labels[..., index].flatten(), reduction="none")
        for index, name in enumerate(HEADS)
    ]
    return sum((loss * weights.flatten()).sum() for loss in losses) / weights.sum()


def reading_accuracy(logits, labels):
    """Of the cells where a head has something to read, the share that it reads right: name → (right, all)."""
    counts = {}
    for index, name in enumerate(HEADS):
        there = labels[..., index] > 0
        right = (logits[name].argmax(-1) == labels[..., index]) & there
        counts[name] = (int(right.sum()), int(there.sum()))
    return counts


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def as_dict(sizes):
    return asdict(sizes)
