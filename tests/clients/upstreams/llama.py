"""llama.cpp's own server over a tiny random model: `llama.py FOLDER` writes the model there, and its address on standard output."""

import pathlib
import sys

import gguf
import numpy
import xllamacpp

WIDTH, HIDDEN, HEADS, CONTEXT = 32, 64, 2, 512
WORDS = ["▁one", "▁two", "▁three", "▁four", "▁five", "▁six", "▁seven", "▁eight"]
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def write(file):
    """One layer of Llama's shape with fixed random weights, that knows any byte and says nothing but words."""
    random = numpy.random.default_rng(1)
    special = ["<unk>", "<s>", "</s>"]
    tokens = special + [f"<0x{byte:02X}>" for byte in range(256)] + WORDS
    kinds = gguf.TokenType
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * 256 + [kinds.NORMAL] * len(WORDS)

    model = gguf.GGUFWriter(file, "llama")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_feed_forward_length(HIDDEN)
    model.add_block_count(1)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_vocab_size(len(tokens))
    model.add_tokenizer_model("llama")
    model.add_token_list(tokens)
    model.add_token_scores([0.0] * len(tokens))
    model.add_token_types(types)
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_chat_template(TEMPLATE)

    def weights(name, *shape):
        model.add_tensor(f"{name}.weight", random.normal(0, 0.5, shape).astype(numpy.float32))

    def ones(name):
        model.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))

    weights("token_embd", len(tokens), WIDTH)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        weights(f"blk.0.{name}", WIDTH, WIDTH)
    weights("blk.0.ffn_gate", HIDDEN, WIDTH)
    weights("blk.0.ffn_up", HIDDEN, WIDTH)
    weights("blk.0.ffn_down", WIDTH, HIDDEN)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        ones(name)
    output = random.normal(0, 1, (len(tokens), WIDTH)).astype(numpy.float32)
    # All but words get the logit 0, which the likeliest of the words is above.
    output[: -len(WORDS)] = 0
    model.add_tensor("output.weight", output)

    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def serve(file):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = ["random-words"]
    parameters.port = 0
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    # Where the request sets no limit: left to itself the model would not end.
    parameters.n_predict = 12
    parameters.warmup = False
    return xllamacpp.Server(parameters)


if __name__ == "__main__":
    file = pathlib.Path(sys.argv[1]) / "random.gguf"
    write(file)
    server = serve(file)
    print(server.listening_address, flush=True)
    # Until whoever started it goes away.
    sys.stdin.read()
