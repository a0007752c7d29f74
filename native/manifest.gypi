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
      "native/model/file.cc",
      "native/model/random_normal.cc",
      "native/runtime/cpu.cc",
      "native/runtime/thread_pool.cc"
    ],
    "binding_sources": [
      "native/binding/addon.cc"
    ]
  }
}
