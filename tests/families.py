"""The families of the catalogue's models: architecture and chat template, as tiny random files.

What a family's large models write can't be tried on a test machine; that llama.cpp loads the
architecture, that the engine decodes it, and that its template opens a turn, can.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from tiny_gguf import add_tokenizer, output_scale, vocabulary

from chapter_offline.catalog.pins import Pin

TEMPLATES = Path(__file__).parent / "data" / "templates"

_EMBEDDING, _HEADS, _HEAD, _FEED_FORWARD, _EXPERTS = 64, 2, 32, 64, 4
_GROUPS, _STATE, _CONVOLUTION, _INTERVAL = 2, 16, 4, 4  # of a gated delta net
_INNER = _GROUPS * _STATE

_THINK = ("<think>", "</think>")
_HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>")
_MARKERS = {
    "chatml": (),
    "gemma3": ("<start_of_turn>", "<end_of_turn>"),
    "gpt-oss": _HARMONY,
    "granite": ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
    "llama3": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "mistral-small": ("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    "phi-4": ("<|im_sep|>",),
    "phi-4-mini": ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
    "qwen2.5": (),
    "qwen3": _THINK,
    "qwen3.5": _THINK,
    "smollm3": _THINK,
}
_TEMPLATE_OF = {
    "llama": "llama3",
    "qwen2": "qwen2.5",
    "qwen3": "qwen3",
    "qwen35": "qwen3.5",
    "qwen35moe": "qwen3.5",
    "smollm3": "smollm3",
    "phi3": "phi-4-mini",
    "granite": "granite",
    "gemma3": "gemma3",
    "gpt-oss": "gpt-oss",
}
_TEMPLATE_OF_NAME = {
    "smollm2-135m": "chatml",
    "smollm2-360m": "chatml",
    "phi-4": "phi-4",
    "qwen3-4b-2507": "qwen2.5",
    "qwen3-30b-a3b-2507": "qwen2.5",
    "mistral-small-3.2-24b": "mistral-small",
}


@dataclass(frozen=True)
class Family:
    """architecture: as llama.cpp names it. template: a file of `data/templates`, by its stem."""

    architecture: str
    template: str
    turn_opening: str = ""


def family_of(pin: Pin) -> Family:
    """The family that a pin's model is of."""
    template = _TEMPLATE_OF_NAME.get(pin.name) or _TEMPLATE_OF[pin.architecture]
    return Family(pin.architecture, template, pin.turn_opening)


def write_family(path: Path, family: Family, trained_window: int = 2048) -> Path:
    """Writes a tiny model of a family; returns its path."""
    name, rng = family.architecture, np.random.default_rng(0)
    hybrid = name.startswith("qwen35")
    layers = _INTERVAL if hybrid else 2
    tokens, types = vocabulary("gpt2", _MARKERS[family.template])
    writer = gguf.GGUFWriter(path, name)
    writer.add_name(f"tiny {family.template}")
    writer.add_context_length(trained_window)
    writer.add_embedding_length(_EMBEDDING)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_block_count(layers)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(1)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    _add_particulars(writer, name)
    template = (TEMPLATES / f"{family.template}.jinja").read_text(encoding="utf-8")
    add_tokenizer(writer, "gpt2", tokens, types, template)

    def add(tensor: str, shape: tuple[int, ...], scale: float) -> None:
        # Norms, which have no scale of their own, are ones.
        values = np.ones(shape) if not scale else rng.standard_normal(shape) * scale
        if tensor.endswith("ssm_a"):  # the rate at which a state fades: above 0 it would grow
            values = -np.abs(values)
        writer.add_tensor(tensor, values.astype(np.float32))

    add("token_embd.weight", (len(tokens), _EMBEDDING), 1.0)
    output = rng.standard_normal((len(tokens), _EMBEDDING)) * 0.35
    output *= output_scale(tokens, 0.6)[:, None]
    writer.add_tensor("output.weight", output.astype(np.float32))
    add("output_norm.weight", (_EMBEDDING,), 0)
    for layer in range(layers):
        recurrent = hybrid and (layer + 1) % _INTERVAL != 0
        for tensor, shape, scale in _layer(name, recurrent):
            add(f"blk.{layer}.{tensor}", shape, scale)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_particulars(writer: gguf.GGUFWriter, name: str) -> None:
    """What only some architectures ask for."""
    if name in ("gemma3", "gpt-oss"):
        writer.add_sliding_window(16)
    if name == "granite":
        writer.add_logit_scale(1.0)
        writer.add_residual_scale(1.0)
        writer.add_embedding_scale(1.0)
        writer.add_attention_scale(_HEAD**-0.5)
    if name in ("qwen3moe", "qwen35moe", "gpt-oss"):
        writer.add_expert_count(_EXPERTS)
        writer.add_expert_used_count(2)
        writer.add_expert_feed_forward_length(_FEED_FORWARD)
    if name == "qwen35moe":
        writer.add_expert_shared_feed_forward_length(_FEED_FORWARD)
    if name.startswith("qwen35"):
        writer.add_rope_dimension_sections([6, 5, 5, 0])
        writer.add_ssm_conv_kernel(_CONVOLUTION)
        writer.add_ssm_inner_size(_INNER)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(_GROUPS)
        writer.add_ssm_group_count(_GROUPS)
        writer.add_uint32(f"{name}.full_attention_interval", _INTERVAL)


_Tensor = tuple[str, tuple[int, ...], float]


def _layer(name: str, recurrent: bool) -> Iterator[_Tensor]:
    """Name, shape and scale of one layer's tensors; scale 0 for a norm."""
    yield "attn_norm.weight", (_EMBEDDING,), 0
    post = name in ("gpt-oss", "qwen35", "qwen35moe")
    yield "post_attention_norm.weight" if post else "ffn_norm.weight", (_EMBEDDING,), 0
    if name == "gemma3":
        yield "post_attention_norm.weight", (_EMBEDDING,), 0
        yield "post_ffw_norm.weight", (_EMBEDDING,), 0
    yield from _delta_net() if recurrent else _attention(name)
    yield from _experts(name) if name in ("qwen3moe", "qwen35moe", "gpt-oss") else _dense(name)


def _attention(name: str) -> Iterator[_Tensor]:
    queries, keys = _HEADS * _HEAD, _HEAD
    if name == "phi3":
        yield "attn_qkv.weight", (queries + 2 * keys, _EMBEDDING), 0.2
    else:
        gated = 2 if name.startswith("qwen35") else 1
        for tensor, rows in (("attn_q", gated * queries), ("attn_k", keys), ("attn_v", keys)):
            yield f"{tensor}.weight", (rows, _EMBEDDING), 0.2
            if name in ("qwen2", "gpt-oss"):
                yield f"{tensor}.bias", (rows,), 0.1
    yield "attn_output.weight", (_EMBEDDING, queries), 0.2
    if name in ("qwen3", "qwen3moe", "qwen35", "qwen35moe", "gemma3"):
        yield "attn_q_norm.weight", (_HEAD,), 0
        yield "attn_k_norm.weight", (_HEAD,), 0
    if name == "gpt-oss":
        yield "attn_output.bias", (_EMBEDDING,), 0.1
        yield "attn_sinks.weight", (_HEADS,), 0.1


def _delta_net() -> Iterator[_Tensor]:
    mixed = 3 * _INNER
    yield "attn_qkv.weight", (mixed, _EMBEDDING), 0.2
    yield "attn_gate.weight", (_INNER, _EMBEDDING), 0.2
    yield "ssm_conv1d.weight", (mixed, _CONVOLUTION), 0.5
    yield "ssm_dt.bias", (_GROUPS,), 0.1
    yield "ssm_a", (_GROUPS,), 0.1
    yield "ssm_beta.weight", (_GROUPS, _EMBEDDING), 0.2
    yield "ssm_alpha.weight", (_GROUPS, _EMBEDDING), 0.2
    yield "ssm_norm.weight", (_STATE,), 0
    yield "ssm_out.weight", (_EMBEDDING, _INNER), 0.2


def _dense(name: str) -> Iterator[_Tensor]:
    if name == "phi3":
        yield "ffn_up.weight", (2 * _FEED_FORWARD, _EMBEDDING), 0.2
    else:
        yield "ffn_gate.weight", (_FEED_FORWARD, _EMBEDDING), 0.2
        yield "ffn_up.weight", (_FEED_FORWARD, _EMBEDDING), 0.2
    yield "ffn_down.weight", (_EMBEDDING, _FEED_FORWARD), 0.2


def _experts(name: str) -> Iterator[_Tensor]:
    yield "ffn_gate_inp.weight", (_EXPERTS, _EMBEDDING), 0.2
    if name == "gpt-oss":
        yield "ffn_gate_inp.bias", (_EXPERTS,), 0.1
    for tensor, rows, columns in (
        ("ffn_gate_exps", _FEED_FORWARD, _EMBEDDING),
        ("ffn_up_exps", _FEED_FORWARD, _EMBEDDING),
        ("ffn_down_exps", _EMBEDDING, _FEED_FORWARD),
    ):
        yield f"{tensor}.weight", (_EXPERTS, rows, columns), 0.2
        if name == "gpt-oss":
            yield f"{tensor}.bias", (_EXPERTS, rows), 0.1
    if name == "qwen35moe":
        yield "ffn_gate_inp_shexp.weight", (_EMBEDDING,), 0.2
        yield "ffn_gate_shexp.weight", (_FEED_FORWARD, _EMBEDDING), 0.2
        yield "ffn_up_shexp.weight", (_FEED_FORWARD, _EMBEDDING), 0.2
        yield "ffn_down_shexp.weight", (_EMBEDDING, _FEED_FORWARD), 0.2


FAMILY_KINDS = {name: Family(name, template) for name, template in _TEMPLATE_OF.items()} | {
    "qwen3moe": Family("qwen3moe", "qwen2.5")
}
"""One family of each architecture."""
