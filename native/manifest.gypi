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
      "native/runtime/cpu.cc",
      "native/runtime/thread_pool.cc"
    ],
    "binding_sources": [
      "native/binding/addon.cc"
    ]
  }
}
