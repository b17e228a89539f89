"""Hidden states that transformers computes with the tiny models of family_fixtures.py.

    python hidden_state_fixtures.py ../EMLLMCoreTests/Fixtures/families

Reads FOLDER/<name> and the first prompt of FOLDER/reference.json, and writes FOLDER/hidden-states.json: for each model the
residual stream of all tokens before the first block and behind each. InternLM2, which transformers does not have, is left
out. Ran with transformers 5.24 and torch 2.13 (CPU).
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

folder = pathlib.Path(sys.argv[1])
reference = json.loads((folder / "reference.json").read_text())["families"]
states = {}
for name in sorted(set(reference) - {"internlm2"}):
    model = AutoModelForCausalLM.from_pretrained(folder / name, dtype=torch.float32).eval()
    layers = [[]] * (len(model.model.layers) + 1)

    def keep(place):
        def hook(_, arguments, output):
            # Not `output_hidden_states`: its last entry is normalized.
            output = output[0] if isinstance(output, tuple) else output
            layers[place + 1] = output[0].tolist()
            if place == 0:
                layers[0] = arguments[0][0].tolist()
        return hook

    for place, layer in enumerate(model.model.layers):
        layer.register_forward_hook(keep(place))
    with torch.no_grad():
        model(torch.tensor([reference[name][0]["prompt"]]))
    states[name] = [[[float(f"{value:.8g}") for value in row] for row in layer] for layer in layers]
(folder / "hidden-states.json").write_text(json.dumps(states) + "\n")
