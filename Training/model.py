"""The model: Idefics 3's layout as transformers has it, with heads for the supervision of perception beside it.

A vision transformer reads 16 × 16 patches of a picture of 256 × 256; each 2 × 2 of its outputs become one of 64 image
tokens (pixel shuffle and a linear layer, Laurençon et al., arXiv 2408.12637); a Llama decoder reads them before the text.
"""

from dataclasses import asdict, dataclass

import torch
import transformers
from puzzles.labels import HEADS
from tokenizer import CONTEXT, END, IMAGE, IMAGE_TOKENS, PAD, START
from torch import nn
from torch.nn import functional

PICTURE, PATCH, MERGE = 256, 16, 2
HEAD = 64
CELLS = PICTURE // PATCH // MERGE
assert CELLS * CELLS == IMAGE_TOKENS


@dataclass(frozen=True)
class Sizes:
    """Layers and widths; heads are 64 wide."""

    vision_layers: int = 5
    vision_width: int = 192
    text_layers: int = 6
    text_width: int = 192
    text_inner: int = 512
    # Heads of keys and values; as many as of queries where nothing is said.
    text_keys: int | None = None


def configuration(sizes, tokenizer):
    """The published form of the sizes."""
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (PAD, START, END, IMAGE)}
    vision = dict(
        hidden_size=sizes.vision_width,
        intermediate_size=4 * sizes.vision_width,
        num_hidden_layers=sizes.vision_layers,
        num_attention_heads=sizes.vision_width // HEAD,
        image_size=PICTURE,
        patch_size=PATCH,
        hidden_act="gelu_pytorch_tanh",
    )
    text = dict(
        model_type="llama",
        hidden_size=sizes.text_width,
        intermediate_size=sizes.text_inner,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=sizes.text_width // HEAD,
        num_key_value_heads=sizes.text_keys or sizes.text_width // HEAD,
        head_dim=HEAD,
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
        self.doubter = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        self.collector = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        self.begin_locally()

    @torch.no_grad()
    def begin_locally(self, locality=1.8):
        """Lets the eye's attention begin with the neighbourhood of each patch.

        Positions begin as sines and cosines, queries equal to keys, so that near patches agree most (after Trockman and
        Kolter, arXiv 2305.09828).
        """
        vision = self.model.model.vision_model
        width = self.sizes.vision_width
        vision.embeddings.position_embedding.weight.copy_(sines(PICTURE // PATCH, width))
        for layer in vision.encoder.layers:
            shared = torch.randn(width, width) * locality / width**0.5
            layer.self_attn.q_proj.weight.copy_(shared)
            layer.self_attn.k_proj.weight.copy_(shared)

    def see(self, pixels):
        """Image tokens [pictures, IMAGE_TOKENS, width] of normalized pixels [pictures, 3, PICTURE, PICTURE]."""
        features = self.model.model.get_image_features(pixels[:, None], return_dict=True).pooler_output
        return torch.stack(list(features))

    def read(self, features):
        """Logits of every head for every cell: name → [pictures, IMAGE_TOKENS, classes]."""
        normed = self.reader_norm(features)
        return {name: head(normed) for name, head in self.readers.items()}

    def follow(self, features, batch):
        """States [rows, length, width] of the tokens of a batch (`sequences.collated`) after each layer, embeddings first.

        Without features there is no picture in any row. Rows are padded on the right, which a causal decoder does not see; rows
        with branches say what each token sees (`visible` [rows, length, length]) and how far it is from the beginning
        (`positions` [rows, length]).
        """
        embeddings, visible = self.model.model.text_model.embed_tokens(batch["ids"]), batch.get("visible")
        if features is not None:
            embeddings = self.with_pictures(batch["ids"], embeddings, features)
        return self.model.model.text_model(
            inputs_embeds=embeddings,
            attention_mask=None if visible is None else visible[:, None],
            position_ids=batch.get("positions"),
            use_cache=False,
            output_hidden_states=True,
        ).hidden_states

    def say(self, states, batch):
        """Logits [tokens, vocabulary] of the tokens whose weight is not 0.

        Each is said by the token before it, whose place is in `before` [rows, length].
        """
        is_learnt = batch["weights"] > 0
        return self.model.lm_head(states[-1][is_learnt.nonzero()[:, 0], batch["before"][is_learnt]])

    def doubt(self, states, batch):
        """Logits [tokens] that a token is a mistake, and that it or one before it in its step is, where that is known.

        The first are read two layers before the end, the second one layer before it: so that each layer can collect what the
        layer before it has found, and a verdict finds it at the end of the step.
        """
        # The embeddings, where there is but one layer.
        early = states[-3:][0]
        return self.doubter(early[batch["wrong"] >= 0])[:, 0], self.collector(states[-2][batch["spoilt"] >= 0])[:, 0]

    def with_pictures(self, ids, embeddings, features):
        """Embeddings with the features where ids are image tokens."""
        places = (ids == self.model.config.image_token_id)[..., None].expand_as(embeddings)
        return embeddings.masked_scatter(places, features.to(embeddings.dtype))


def grown(weights, trainee):
    """The weights of a model with fewer heads of keys and values, each head repeated: it says the same as before.

    What it has not, such as the heads that doubt, is as the trainee has it.
    """
    wanted = trainee.state_dict()
    weights = wanted | weights
    names = [name for name in weights if name.endswith(("k_proj.weight", "v_proj.weight")) and "text_model" in name]
    repeats = {name: len(wanted[name]) // len(weights[name]) for name in names}
    heads = {name: weights[name].unflatten(0, (-1, HEAD)) for name in names}
    return weights | {name: heads[name].repeat_interleave(repeats[name], 0).flatten(0, 1) for name in names}


def sines(grid, width, longest=50):
    """Sines and cosines of the row and of the column of each place: [grid · grid, width]."""
    waves = torch.arange(grid)[:, None] * longest ** (-torch.arange(width // 4) / (width // 4))
    axis = torch.cat([waves.sin(), waves.cos()], 1)
    rows, columns = axis[:, None].expand(grid, grid, -1), axis[None].expand(grid, grid, -1)
    return torch.cat([rows, columns], 2).reshape(grid * grid, width)


@torch.no_grad()
def whiten(trainee, pixels, floor=0.02):
    """Makes the patches' embeddings of pictures [pictures, 3, PICTURE, PICTURE] begin with mean 0, deviation about 1, uncorrelated.

    Else the white of the paper drowns the strokes on it.
    """
    embedding = trainee.model.model.vision_model.embeddings.patch_embedding
    width = embedding.weight.shape[0]
    patches = functional.unfold(pixels, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)  # [patches, 3 · PATCH²]
    mean = patches.mean(0)
    variances, directions = torch.linalg.eigh((patches - mean).T.cov().double())
    variances, directions = variances[-width:].float(), directions[:, -width:].float()
    turned = torch.linalg.qr(torch.randn(width, width))[0] @ (directions / (variances + floor).sqrt()).T
    turned /= ((patches - mean) @ turned.T).std()
    embedding.weight.copy_(turned.unflatten(1, embedding.weight.shape[1:]))
    embedding.bias.copy_(-turned @ mean)


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


def doubt_loss(logits, wrong, mistake):
    """Cross entropy of whether tokens [tokens] are wrong; those that are count `mistake`, for they are few."""
    weights = torch.where(wrong, mistake, 1.0)
    losses = functional.binary_cross_entropy_with_logits(logits.float(), wrong.float(), reduction="none")
    return (losses * weights).sum() / weights.sum()


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
