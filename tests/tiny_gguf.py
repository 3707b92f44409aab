"""Makes tiny random GGUF files on the spot: real to llama.cpp, and nonsense to a reader.

The vocabulary has every byte, some English words, and ChatML's control tokens. Output weights
favour words and full stops, so that sampled text has sentences, and ends a turn now and then.
"""

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

WORDS = """
    the limiter holds its count in a store and each node reads it before the call so that one
    late clock never lets more requests through than were paid for while every lease expires
    """.split()
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' "
    "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% endif %}"
)
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

_EMBEDDING, _KV_HEADS, _FEED_FORWARD = 64, 1, 128
_INNER, _STATE, _RANK, _CONVOLUTION = 128, 8, 4, 4  # of "mamba"
_NORMAL, _CONTROL, _USER_DEFINED, _BYTE = 1, 3, 4, 6


def write_tiny_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    tokenizer: str = "gpt2",
    template: str | None = CHATML,
    trained_window: int = 2048,
    quantization: str = "F32",
    seed: int = 0,
    layers: int = 2,
    end_bias: float = 0.6,
    markers: Sequence[str] = (),
    marker_bias: float = 1.0,
    experts: int = 0,
    window: int = 16,
    heads: int = 2,
) -> Path:
    """Writes a model of some 100,000 parameters; returns its path.

    architecture: "llama" (plain attention), "lfm2" (hybrid: convolution and attention), "mamba"
        (recurrent) or "gemma3" (sliding windows of `window` tokens).
    tokenizer: "gpt2" (bytes with merges) or "llama" (sentencepiece).
    template: the chat template; None leaves it out.
    quantization: of the matrices: "F32", "F16", "Q8_0" or "Q4_0".
    experts: of a mixture, two of which see a token; 0 for a dense model ("llama" only).
    end_bias: how large the output weights of the end token are, beside 1 for a word's.
    markers: tokens that a template names besides, such as "<think>"; marker_bias: as end_bias.
    """
    tokens, types = vocabulary(tokenizer, markers)
    kinds = gguf.GGMLQuantizationType[quantization]
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"tiny {architecture}")
    writer.add_context_length(trained_window)
    writer.add_embedding_length(_EMBEDDING)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    add_tokenizer(writer, tokenizer, tokens, types, template)

    def matrix(name: str, rows: int, columns: int, scale: float = 0.2) -> None:
        values = (rng.standard_normal((rows, columns)) * scale).astype(np.float32)
        add(name, values)

    def add(name: str, values: NDArray[np.float32]) -> None:
        writer.add_tensor(name, gguf.quants.quantize(values, kinds), raw_dtype=kinds)

    def plain(name: str, shape: tuple[int, ...], scale: float) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * scale).astype(np.float32))

    def ones(name: str, size: int) -> None:
        writer.add_tensor(name, np.ones(size, np.float32))

    matrix("token_embd.weight", len(tokens), _EMBEDDING, 1.0)
    output = (rng.standard_normal((len(tokens), _EMBEDDING)) * 0.35).astype(np.float32)
    scale = output_scale(tokens, end_bias)
    scale[[tokens.index(marker) for marker in markers]] = marker_bias
    output *= scale[:, None]
    add("output.weight", output)
    ones("token_embd_norm.weight" if architecture == "lfm2" else "output_norm.weight", _EMBEDDING)
    head = _EMBEDDING // heads
    kv_heads = [_KV_HEADS] * layers
    if architecture == "lfm2":
        kv_heads = [0 if i % 2 == 0 else _KV_HEADS for i in range(layers)]
        writer.add_uint32("lfm2.shortconv.l_cache", 3)
        writer.add_head_count_kv(kv_heads)
    else:
        writer.add_head_count_kv(_KV_HEADS)
    if architecture == "gemma3":
        writer.add_sliding_window(window)
        writer.add_key_length(head)
        writer.add_value_length(head)
    if architecture == "mamba":
        writer.add_ssm_conv_kernel(_CONVOLUTION)
        writer.add_ssm_inner_size(_INNER)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(_RANK)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(2)
    for i in range(layers):
        block = f"blk.{i}."
        ones(block + "attn_norm.weight", _EMBEDDING)
        if architecture == "mamba":
            matrix(block + "ssm_in.weight", 2 * _INNER, _EMBEDDING)
            plain(block + "ssm_conv1d.weight", (_INNER, _CONVOLUTION), 0.5)
            plain(block + "ssm_conv1d.bias", (_INNER,), 0.1)
            matrix(block + "ssm_x.weight", _RANK + 2 * _STATE, _INNER)
            plain(block + "ssm_dt.weight", (_INNER, _RANK), 0.5)
            plain(block + "ssm_dt.bias", (_INNER,), 0.1)
            decay = -np.tile(np.arange(1, _STATE + 1, dtype=np.float32), (_INNER, 1))
            writer.add_tensor(block + "ssm_a", decay)
            ones(block + "ssm_d", _INNER)
            matrix(block + "ssm_out.weight", _EMBEDDING, _INNER)
            continue
        ones(block + "ffn_norm.weight", _EMBEDDING)
        if experts:
            matrix(block + "ffn_gate_inp.weight", experts, _EMBEDDING)
            for name, rows, columns in (
                ("gate", _FEED_FORWARD, _EMBEDDING),
                ("up", _FEED_FORWARD, _EMBEDDING),
                ("down", _EMBEDDING, _FEED_FORWARD),
            ):
                plain(f"{block}ffn_{name}_exps.weight", (experts, rows, columns), 0.2)
        else:
            matrix(block + "ffn_gate.weight", _FEED_FORWARD, _EMBEDDING)
            matrix(block + "ffn_up.weight", _FEED_FORWARD, _EMBEDDING)
            matrix(block + "ffn_down.weight", _EMBEDDING, _FEED_FORWARD)
        if architecture == "gemma3":
            ones(block + "post_attention_norm.weight", _EMBEDDING)
            ones(block + "post_ffw_norm.weight", _EMBEDDING)
        if not kv_heads[i]:
            plain(block + "shortconv.conv.weight", (_EMBEDDING, 3), 0.5)
            matrix(block + "shortconv.in_proj.weight", 3 * _EMBEDDING, _EMBEDDING)
            matrix(block + "shortconv.out_proj.weight", _EMBEDDING, _EMBEDDING)
            continue
        if architecture in ("lfm2", "gemma3"):
            ones(block + "attn_q_norm.weight", head)
            ones(block + "attn_k_norm.weight", head)
        matrix(block + "attn_q.weight", _EMBEDDING, _EMBEDDING)
        matrix(block + "attn_k.weight", _KV_HEADS * head, _EMBEDDING)
        matrix(block + "attn_v.weight", _KV_HEADS * head, _EMBEDDING)
        matrix(block + "attn_output.weight", _EMBEDDING, _EMBEDDING)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def vocabulary(tokenizer: str, markers: Sequence[str]) -> tuple[list[str], list[int]]:
    words = list(dict.fromkeys(WORDS))
    words += [word.capitalize() for word in words]  # what may stand after a full stop
    if tokenizer == "gpt2":
        names = _byte_names()
        tokens = [names[i] for i in range(256)] + ["Ġ" + w for w in words] + [".Ċ", "ĊĊ", "th"]
        types = [_NORMAL] * len(tokens)
    else:
        marks = [".", ",", "!", "?", ":"] + [chr(c) for c in range(97, 123)] + ["▁"]
        tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
        types = [2, _CONTROL, _CONTROL] + [_BYTE] * 256
        tokens += marks + ["▁" + w for w in words]
        types += [_NORMAL] * (len(tokens) - len(types))
    tokens += CONTROL
    types += [_CONTROL] * len(CONTROL)
    tokens += markers
    types += [_USER_DEFINED] * len(markers)
    while len(tokens) % 32:
        tokens.append(f"<|pad{len(tokens)}|>")
        types.append(_CONTROL)
    return tokens, types


def add_tokenizer(
    writer: gguf.GGUFWriter,
    tokenizer: str,
    tokens: Sequence[str],
    types: Sequence[int],
    template: str | None,
) -> None:
    writer.add_tokenizer_model(tokenizer)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if tokenizer == "gpt2":
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_merges(["t h", "Ċ Ċ", ". Ċ"])
    else:
        writer.add_token_scores([-float(i) for i in range(len(tokens))])
        writer.add_add_bos_token(True)
    writer.add_bos_token_id(tokens.index("<s>" if tokenizer == "llama" else CONTROL[0]))
    writer.add_eos_token_id(tokens.index(CONTROL[2]))
    if template is not None:
        writer.add_chat_template(template)


def output_scale(tokens: Sequence[str], end_bias: float) -> NDArray[np.float32]:
    scale = np.full(len(tokens), 0.2, np.float32)
    for i, token in enumerate(tokens):
        if token[0] in "Ġ▁" and len(token) > 1:
            scale[i] = 1.0
        elif token in (".", ",", ".Ċ"):
            scale[i] = 1.3
        elif token == CONTROL[2]:
            scale[i] = end_bias
        elif token.startswith("<"):
            scale[i] = 0.0
    return scale


def _byte_names() -> list[str]:
    """GPT-2's printable stand-in for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names = {byte: chr(byte) for byte in plain}
    others = [byte for byte in range(256) if byte not in names]
    names.update({byte: chr(256 + i) for i, byte in enumerate(others)})
    return [names[byte] for byte in range(256)]
