{
  "variables": {
    "cxx_standard": "20",
    "defines": [
      "NAPI_VERSION=8",
      "NAPI_CPP_EXCEPTIONS",
      "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
      "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
      "NODE_ADDON_API_DISABLE_DEPRECATED"
    ],
    "core_sources": [
      "native/kernels/ascii/ascii.cc",
      "native/kernels/ascii/avx2.cc",
      "native/kernels/ascii/avx512.cc",
      "native/kernels/ascii/neon.cc",
      "native/kernels/ascii/scalar.cc",
      "native/kernels/bag/avx2.cc",
      "native/kernels/bag/avx512.cc",
      "native/kernels/bag/bag.cc",
      "native/kernels/bag/neon.cc",
      "native/kernels/bag/scalar.cc",
      "native/kernels/vector/avx2.cc",
      "native/kernels/vector/avx512.cc",
      "native/kernels/vector/neon.cc",
      "native/kernels/vector/scalar.cc",
      "native/kernels/vector/vector.cc",
      "native/model/embedding_table.cc",
      "native/model/encoder.cc",
      "native/model/file.cc",
      "native/model/quantizer.cc",
      "native/model/random_normal.cc",
      "native/runtime/cpu.cc",
      "native/runtime/thread_pool.cc",
      "native/search/similarity.cc",
      "native/search/top_k.cc",
      "native/text/added_tokens.cc",
      "native/text/bert_normalizer.cc",
      "native/text/trie.cc",
      "native/text/cached_encoder.cc",
      "native/text/exact_encoder.cc",
      "native/text/tokenizer.cc",
      "native/text/unicode_tables.cc",
      "native/text/wordpiece.cc"
    ],
    "binding_sources": [
      "native/binding/addon.cc"
    ]
  }
}
