"""The tokenizer: byte-level byte-pair encoding, trained on the words of the puzzles; digits are tokens of their own.

    python tokenizer.py FOLDER
"""

import sys

from packs import pack
from puzzles import KINDS, NEGATIVE_KINDS, generate
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SIZE = 1024
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<end_of_utterance>"
AROUND, IMAGE, WHOLE = "<fake_token_around_image>", "<image>", "<global-img>"
SPECIAL = [PAD, START, END, AROUND, IMAGE, WHOLE]
CONTEXT = 1024
IMAGE_TOKENS = 64

# Turns of a conversation as "<|im_start|>role\n…<end_of_utterance>\n"; a model's answer begins on a line of its own, so
# that its first word is the same token whether it was generated or read.
TEMPLATE = """{%- for message in messages %}
{%- if message['role'] == 'system' %}{{ raise_exception('this model has not learnt system messages') }}{% endif %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string %}{{ message['content'] }}
{%- else %}
{%- for part in message['content'] %}
{%- if part['type'] == 'text' %}{{ part['text'] }}
{%- elif part['type'] == 'image' %}{{ '<image>' }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<end_of_utterance>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# How a mistake is named (see steps.py).
MISTAKES = [
    "There is no mistake.",
    "It says 3 instead of 5 and it says blue instead of red and more.",
    "It leaves out 7.",
    "It should not say small.",
    "It should say something else altogether.",
]


def later():
    """What other turns than the first say, so that it costs few tokens."""
    for prompts in (pack("cas-seat"), pack("seat")):
        for request in (prompts.evaluate, prompts.evaluate_chain, prompts.reflect, prompts.refine, prompts.rework, prompts.answer):
            yield turn("user", request)
        yield prompts.reason
        yield from (turn("assistant", word) for word in (prompts.positive, prompts.negative))
    for mistake in MISTAKES:
        yield turn("assistant", mistake)
        yield from (pack("seat").judged(mistake, is_right) for is_right in (True, False))


def turn(role, text=None):
    """A turn of a conversation; without a text the beginning of one."""
    return f"{START}{role}\n" + ("" if text is None else f"{text}{END}\n")


def prompt_text(prompt, is_blind=False):
    """A user's turn with a picture and the beginning of the answer, with the picture's tokens in place.

    A blind one has no picture.
    """
    picture = "" if is_blind else AROUND + WHOLE + IMAGE * IMAGE_TOKENS + AROUND
    return turn("user", picture + prompt) + turn("assistant")


def corpus(puzzles_per_kind=150):
    """Texts of puzzles that training never sees again as pictures, each with its prompt, and later turns."""
    for text in later():
        for special in SPECIAL:
            text = text.replace(special, "")
        yield from [text] * 200
    for kind in KINDS + NEGATIVE_KINDS:
        for seed in range(puzzles_per_kind):
            puzzle = generate(kind, seed)
            yield f"user\n{puzzle.prompt}"
            yield f"assistant\n{puzzle.chain}\n"


def pieces(tokenizer):
    """A tokenizer that cuts texts into words as SmolLM2's does: digits apart, then GPT-2's pattern."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train():
    """The tokenizer."""
    tokenizer = pieces(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return wrapped(tokenizer)


def wrapped(tokenizer):
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def load(path):
    """A tokenizer from its `tokenizer.json`."""
    return wrapped(Tokenizer.from_file(str(path)))


if __name__ == "__main__":
    made = train()
    made.save_pretrained(sys.argv[1])
    print(f"{len(made)} tokens in {sys.argv[1]}")
