"""A checkpoint as a Hugging Face directory.

    python export.py CHECKPOINT FOLDER

Writes config.json, generation_config.json, model.safetensors (F32, without the heads of training), tokenizer.json,
tokenizer_config.json, chat_template.jinja, preprocessor_config.json and processor_config.json.
"""

import json
import sys
from pathlib import Path

import torch
from model import IMAGE_TOKENS, PICTURE, Sizes, Trainee, grown
from tokenizer import CONTEXT, END, PAD, TEMPLATE, wrapped
from tokenizers import Tokenizer

LANCZOS = 1
PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_image_splitting": False,
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "image_processor_type": "Idefics3ImageProcessor",
    "max_image_size": {"longest_edge": PICTURE},
    "processor_class": "Idefics3Processor",
    "resample": LANCZOS,
    "rescale_factor": 1 / 255,
    "size": {"longest_edge": PICTURE},
}


def load(checkpoint):
    """A trainee with a checkpoint's weights, and its tokenizer."""
    kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tokenizer = wrapped(Tokenizer.from_str(kept["tokenizer"]))
    sizes = Sizes(**{name: kept["arguments"].get(name, value) for name, value in vars(Sizes()).items()})
    trainee = Trainee(sizes, tokenizer)
    trainee.load_state_dict(grown(kept["trainee"], trainee))
    return trainee.eval(), tokenizer


def export(trainee, tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    trainee.model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "processor_class": "Idefics3Processor",
        "bos_token": None,
        "eos_token": END,
        "pad_token": PAD,
        "padding_side": "left",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": CONTEXT,
        "chat_template": TEMPLATE,
    }
    write(folder / "tokenizer_config.json", settings)
    write(folder / "preprocessor_config.json", PREPROCESSOR)
    write(folder / "processor_config.json", {"image_seq_len": IMAGE_TOKENS, "processor_class": "Idefics3Processor"})
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def write(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    export(*load(sys.argv[1]), Path(sys.argv[2]))
