// A function compiled for each kind of processor and chosen when it is loaded; vectorised under -O3 -fno-trapping-math (CMakeLists.txt, tools/setup.sh).
#pragma once
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define OB_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define OB_CLONES
#endif
