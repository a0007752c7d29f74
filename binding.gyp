{
  "includes": ["native/manifest.gypi"],
  "targets": [
    {
      "target_name": "stillvec",
      "sources": ["<@(core_sources)", "<@(binding_sources)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["<@(defines)"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++<(cxx_standard)", "-O3", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-ffp-contract=off"],
      "conditions": [
        ["OS=='linux'", { "ldflags": ["-Wl,--version-script=<(module_root_dir)/native/binding/exports.map"] }]
      ],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++<(cxx_standard)",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0",
        "OTHER_CPLUSPLUSFLAGS": ["-ffp-contract=off"]
      },
      "msvs_settings": {
        "VCCLCompilerTool": { "ExceptionHandling": 1, "AdditionalOptions": ["/std:c++<(cxx_standard)"] }
      }
    }
  ]
}
