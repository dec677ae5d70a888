"""Makes tiny random models of every architecture and what transformers computes with them.

    python make_models.py

Writes NAME/config.json, NAME/model.safetensors and NAME/expected.safetensors beside itself. Weights
are stored as the table says and computed in float32 with eager attention.
"""
import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, Gemma2Config, GPT2Config, GPTNeoXConfig,
                          LlamaConfig)

HERE = Path(__file__).parent
POSITIONS, ROWS, VOCABULARY = 12, 2, 64

NEOX = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=40, max_position_embeddings=32, bos_token_id=0, eos_token_id=0)

MODELS = {
    # name: (config, stored type, edit of config.json)
    "neox": (GPTNeoXConfig(**NEOX, rope_parameters={
        "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}),
        torch.float32, None),
    # The spelling of transformers 4, a sequential block without attention biases, in float16.
    "neox-sequential": (GPTNeoXConfig(**NEOX, use_parallel_residual=False, attention_bias=False,
        hidden_act="gelu_new", rope_parameters={
            "rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5}),
        torch.float16, {"rope_parameters": None, "rotary_pct": 0.5, "rotary_emb_base": 500}),
    "gpt2": (GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=32,
        bos_token_id=0, eos_token_id=0, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0),
        torch.float32, None),
    "llama": (LlamaConfig(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2,
        num_attention_heads=6, num_key_value_heads=2, intermediate_size=40, head_dim=8,
        max_position_embeddings=32, tie_word_embeddings=True, rope_parameters={
            "rope_type": "default", "rope_theta": 100000.0}),
        torch.bfloat16, {"rope_parameters": None, "rope_theta": 100000.0, "rope_scaling": None}),
    "llama-biased": (LlamaConfig(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=24, attention_bias=True, mlp_bias=True,
        max_position_embeddings=32, tie_word_embeddings=False, rms_norm_eps=1e-5, rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0}),
        torch.float32, None),
    # 24 is no square: its root is rounded to bfloat16. The window is shorter than the rows.
    "gemma2": (Gemma2Config(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=40,
        query_pre_attn_scalar=12, sliding_window=5, max_position_embeddings=32,
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0}),
        torch.bfloat16, {"layer_types": None}),
}


def randomise(model, seed):
    """Draws all weights so that no term is negligible: norms and biases too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                base = parameter if "norm" in name or "ln_" in name else 0
                parameter.copy_(base + 0.3 * noise)
            else:
                parameter.copy_(noise * (1.5 / parameter.shape[-1] ** 0.5))


def watch(model, kind):
    """Hooks every block; returns the dictionary that fills as the model runs."""
    seen = {}

    def keep(name):
        def hook(module, inputs, output):
            seen[name] = output[0] if isinstance(output, tuple) else output
        return hook

    def keep_input(name):
        def hook(module, inputs):
            seen[name] = inputs[0]
        return hook

    base = model.base_model
    for index, block in enumerate(base.h if kind == "gpt2" else base.layers):
        at = f"blocks.{index}.hook_"
        block.register_forward_pre_hook(keep_input(at + "resid_pre"))
        block.register_forward_hook(keep(at + "resid_post"))
        if kind == "gpt_neox":
            attention, mlp, middle = block.attention, block.mlp, block.post_attention_layernorm
            middle = None if model.config.use_parallel_residual else middle
        elif kind == "gpt2":
            attention, mlp, middle = block.attn, block.mlp, block.ln_2
        elif kind == "llama":
            attention, mlp, middle = block.self_attn, block.mlp, block.post_attention_layernorm
        else:
            attention, mlp = block.post_attention_layernorm, block.post_feedforward_layernorm
            middle = block.pre_feedforward_layernorm
        attention.register_forward_hook(keep(at + "attn_out"))
        mlp.register_forward_hook(keep(at + "mlp_out"))
        if middle is not None:
            middle.register_forward_pre_hook(keep_input(at + "resid_mid"))
    return seen


def main():
    for seed, (name, (config, stored, edit)) in enumerate(MODELS.items()):
        folder = HERE / name
        model = AutoModelForCausalLM.from_config(config)
        randomise(model, seed)
        model.to(stored).save_pretrained(folder)
        # Scales and shifts of the real models are stored in the same type as their matrices.
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        if config.model_type == "gemma2":
            scale = torch.tensor(config.hidden_size ** 0.5)
            model.model.embed_tokens.embed_scale = scale.to(stored).float()
        tokens = torch.randint(
            0, VOCABULARY, (ROWS, POSITIONS), generator=torch.Generator().manual_seed(100 + seed))
        seen = watch(model, config.model_type)
        with torch.no_grad():
            logits = model(input_ids=tokens).logits
        expected = {key: value.reshape(-1, value.shape[-1]) for key, value in seen.items()}
        expected["logits"] = logits.reshape(-1, VOCABULARY)
        expected["tokens"] = tokens.to(torch.int32).reshape(-1)
        save_file({key: value.clone().contiguous() for key, value in expected.items()},
                  folder / "expected.safetensors")
        path = folder / "config.json"
        values = json.loads(path.read_text())
        for key, value in (edit or {}).items():
            if value is None and key != "rope_scaling":
                values.pop(key, None)
            else:
                values[key] = value
        path.write_text(json.dumps(values, indent=1) + "\n")
        (folder / "generation_config.json").unlink(missing_ok=True)
        print(name, logits.abs().max().item())
    print("transformers", transformers.__version__, "torch", torch.__version__)


if __name__ == "__main__":
    main()
