"""The exported directory, loaded by transformers, computes what the model in training computes."""

import pytest
import torch
from data import normalized, pixels_of
from evaluate import answer_of
from export import export
from model import IMAGE_TOKENS, Sizes, Trainee
from PIL import Image
from puzzles import KINDS, generate
from tokenizer import END, prompt_text, train
from transformers import AutoModelForImageTextToText, AutoProcessor

SMALL = Sizes(vision_layers=2, vision_width=64, text_layers=2, text_width=64, text_inner=96)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(3)
    tokenizer = train()
    trainee = Trainee(SMALL, tokenizer).eval()
    for weight in trainee.parameters():
        # Wide enough that every part moves the logits.
        torch.nn.init.normal_(weight, std=0.15) if weight.ndim > 1 else weight.data.add_(0.1)
    folder = tmp_path_factory.mktemp("model")
    export(trainee, tokenizer, folder)
    return trainee, tokenizer, folder


def conversation(tokenizer, puzzle):
    """Token ids of a puzzle with its chain, and how many of them are the prompt's."""
    prompt = tokenizer(prompt_text(puzzle.prompt))["input_ids"]
    return prompt + tokenizer(puzzle.chain + END)["input_ids"], len(prompt)


def messages(puzzle):
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": puzzle.prompt}]}]


def inputs_of(processor, puzzle, picture, answer=""):
    text = processor.apply_chat_template(messages(puzzle), add_generation_prompt=True) + answer
    return processor(text=text, images=[picture], return_tensors="pt")


def test_the_processor_makes_the_ids_and_pixels_of_training(exported):
    _, tokenizer, folder = exported
    processor = AutoProcessor.from_pretrained(folder)
    for kind in KINDS:
        puzzle = generate(kind, 5)
        ids, start = conversation(tokenizer, puzzle)
        inputs = inputs_of(processor, puzzle, puzzle.image(256, is_sharp=True))
        assert inputs["input_ids"][0].tolist() == ids[:start]
        assert inputs["pixel_values"].shape == (1, 1, 3, 256, 256)
        expected = normalized(torch.from_numpy(pixels_of(puzzle, True)))
        assert torch.allclose(inputs["pixel_values"][0, 0], expected, atol=1e-5)


def test_pictures_of_other_sizes_become_one_tile(exported):
    processor = AutoProcessor.from_pretrained(exported[2])
    for size in ((512, 512), (100, 100), (640, 480)):
        inputs = inputs_of(processor, generate("venn", 1), Image.new("RGB", size, "red"))
        assert inputs["pixel_values"].shape == (1, 1, 3, 256, 256)
        image = processor.tokenizer.convert_tokens_to_ids("<image>")
        assert int((inputs["input_ids"] == image).sum()) == IMAGE_TOKENS


def test_logits_are_those_of_training(exported):
    trainee, tokenizer, folder = exported
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    assert type(model).__name__ == "Idefics3ForConditionalGeneration"
    for kind in KINDS[::4]:
        puzzle = generate(kind, 9)
        ids, _ = conversation(tokenizer, puzzle)
        rows = torch.tensor([ids + [0] * 7])
        with torch.no_grad():
            features = trainee.see(normalized(torch.from_numpy(pixels_of(puzzle, True)))[None])
            weights = torch.zeros(rows.shape)
            weights[:, 1 : len(ids) + 1] = 1
            before = torch.arange(-1, rows.shape[1] - 1)[None]
            batch = {"ids": rows, "weights": weights, "before": before}
            expected = trainee.say(trainee.follow(features, batch), batch)
            end = "<end_of_utterance>"
            found = model(**inputs_of(processor, puzzle, puzzle.image(256, is_sharp=True), puzzle.chain + end)).logits[0]
        assert expected.std() > 0.5
        assert torch.allclose(found, expected, atol=1e-4)


def test_a_later_turn_follows_the_first_in_the_template(exported):
    processor = AutoProcessor.from_pretrained(exported[2])
    puzzle = generate("venn", 2)
    turns = messages(puzzle)
    first = processor.apply_chat_template(turns, add_generation_prompt=True)
    turns += [
        {"role": "assistant", "content": [{"type": "text", "text": puzzle.chain}]},
        {"role": "user", "content": [{"type": "text", "text": "Is the last step correct? Answer Yes or No."}]},
    ]
    whole = processor.apply_chat_template(turns, add_generation_prompt=True)
    assert whole.startswith(first + puzzle.chain + "<end_of_utterance>\n<|im_start|>user\nIs the last step")
    assert whole.endswith("<end_of_utterance>\n<|im_start|>assistant\n")
    tokenizer = processor.tokenizer
    apart = tokenizer(first)["input_ids"] + tokenizer(whole[len(first) :])["input_ids"]
    assert tokenizer(whole)["input_ids"] == apart


def test_digits_and_verdicts_are_single_tokens(exported):
    tokenizer = exported[1]
    assert tokenizer.tokenize("1048") == ["1", "0", "4", "8"]
    for word in ("Yes", "No", " Yes", " No"):
        assert len(tokenizer.tokenize(word)) == 1
    for text in ("Ünïcode → 5² ok?\n\n  x", "['?', 3, 'red']"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_answer_is_found_in_a_chain():
    for kind in KINDS:
        puzzle = generate(kind, 1)
        assert answer_of(puzzle.chain) == puzzle.answer
    assert answer_of("We observe that the answer is unclear.") == ""
