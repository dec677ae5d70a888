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
from transformers import (AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, GemmaConfig,
                          GPT2Config, GPTNeoXConfig, LlamaConfig, MistralConfig, Olmo2Config,
                          Qwen2Config, Qwen3Config)

HERE = Path(__file__).parent
POSITIONS, ROWS, VOCABULARY = 12, 2, 64

NEOX = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=40, max_position_embeddings=32, bos_token_id=0, eos_token_id=0)

SMALL = dict(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2, intermediate_size=40,
             max_position_embeddings=32, bos_token_id=0, eos_token_id=0, pad_token_id=None)

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
    # The seed of a model is its place in this table, so new ones stand at its end.
    # The heads together are wider than the model. Configs of 2024 say `gelu` and mean tanh.
    "gemma": (GemmaConfig(**SMALL, num_attention_heads=4, num_key_value_heads=1, head_dim=8,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0}),
        torch.bfloat16, {"rope_parameters": None, "rope_theta": 500.0, "hidden_act": "gelu"}),
    # Two blocks with a window to one without, each kind with frequencies of its own; the spelling
    # of transformers 4.
    "gemma3": (Gemma3TextConfig(**{**SMALL, "num_hidden_layers": 3}, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=12, sliding_window=5,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 50.0}}),
        torch.bfloat16, {"rope_parameters": None, "layer_types": None,
            "_sliding_window_pattern": None, "sliding_window_pattern": 3,
            "rope_theta": 50.0, "rope_local_base_freq": 100.0,
            "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}),
    "mistral": (MistralConfig(**SMALL, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        sliding_window=5, tie_word_embeddings=False, rope_parameters={
            "rope_type": "default", "rope_theta": 1000.0}),
        torch.bfloat16, {"rope_parameters": None, "rope_theta": 1000.0}),
    # The last block has a window; biases on queries, keys and values alone.
    "qwen2": (Qwen2Config(**SMALL, num_attention_heads=4, num_key_value_heads=2,
        use_sliding_window=True, sliding_window=4, max_window_layers=1, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0}),
        torch.float32, {"rope_parameters": None, "rope_theta": 1000.0, "layer_types": None}),
    "qwen3": (Qwen3Config(**SMALL, num_attention_heads=6, num_key_value_heads=2, head_dim=8,
        attention_bias=True, tie_word_embeddings=False, rope_parameters={
            "rope_type": "default", "rope_theta": 1000.0}), torch.bfloat16, None),
    # Frequencies of all three kinds: kept, mixed and divided.
    "llama3": (LlamaConfig(**SMALL, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        tie_word_embeddings=True, rope_parameters={
            "rope_type": "llama3", "rope_theta": 100.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64}),
        torch.bfloat16, {"rope_parameters": None, "rope_theta": 100.0, "rope_scaling": {
            "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64, "rope_type": "llama3"}}),
    "llama-linear": (LlamaConfig(**SMALL, num_attention_heads=2, num_key_value_heads=2,
        tie_word_embeddings=False, rope_parameters={
            "rope_type": "linear", "rope_theta": 100.0, "factor": 4.0}), torch.bfloat16, None),
    # The spelling of the files of the hub.
    "olmo2": (Olmo2Config(**SMALL, num_attention_heads=3, rms_norm_eps=1e-6,
        tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 1000.0}),
        torch.float32, {"rope_parameters": None, "rope_theta": 1000.0, "rope_scaling": None}),
    # One key head to three query heads and everything that no file of the hub has.
    "olmo2-grouped": (Olmo2Config(**SMALL, num_attention_heads=3, num_key_value_heads=1,
        attention_bias=True, tie_word_embeddings=True, rope_parameters={
            "rope_type": "linear", "rope_theta": 100.0, "factor": 4.0}), torch.bfloat16,
        {"rms_norm_eps": None}),
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

    def keep_normalized(at, norm):
        """The input of a norm, normed without weights as TransformerLens has it."""
        def hook(module, inputs):
            x = inputs[0]
            if isinstance(module, torch.nn.LayerNorm):
                x = x - x.mean(-1, keepdim=True)
            epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
            scale = (x.pow(2).mean(-1, keepdim=True) + epsilon).sqrt()
            seen[at + "ln2.hook_normalized"] = x / scale
        norm.register_forward_pre_hook(hook)

    middle_exists = not getattr(model.config, "use_parallel_residual", False)
    base = model.base_model
    for index, block in enumerate(base.h if kind == "gpt2" else base.layers):
        at = f"blocks.{index}."
        block.register_forward_pre_hook(keep_input(at + "hook_resid_pre"))
        block.register_forward_hook(keep(at + "hook_resid_post"))
        if kind == "gpt_neox":
            attention, mlp, norm = block.attention, block.mlp, block.post_attention_layernorm
            output = block.attention.dense
        elif kind == "gpt2":
            attention, mlp, norm = block.attn, block.mlp, block.ln_2
            output = block.attn.c_proj
        elif hasattr(block, "post_feedforward_layernorm"):
            attention, mlp = block.post_attention_layernorm, block.post_feedforward_layernorm
            norm, output = getattr(block, "pre_feedforward_layernorm", mlp), block.self_attn.o_proj
        else:
            attention, mlp, norm = block.self_attn, block.mlp, block.post_attention_layernorm
            output = block.self_attn.o_proj
        attention.register_forward_hook(keep(at + "hook_attn_out"))
        output.register_forward_pre_hook(keep_input(at + "attn.hook_z"))
        mlp.register_forward_hook(keep(at + "hook_mlp_out"))
        keep_normalized(at, norm)
        if middle_exists:
            # The MLP itself reads the stream where its norm stands behind it.
            reader = block.mlp if kind == "olmo2" else norm
            reader.register_forward_pre_hook(keep_input(at + "hook_resid_mid"))
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
        if config.model_type in ("gemma", "gemma2"):
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
