#include "runtime/cpu.hpp"

namespace tconv {
namespace {

std::vector<const Target*> detect() {
    std::vector<const Target*> found;
    // __builtin_cpu_supports also asks whether the operating system saves the wide registers
#ifdef TCONV_HAS_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("fma"))
        found.push_back(&target_avx512());
#endif
#ifdef TCONV_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found.push_back(&target_avx2());
#endif
    found.push_back(&target_baseline());
    return found;
}

}  // namespace

const std::vector<const Target*>& runnable_targets() {
    static const std::vector<const Target*> targets = detect();
    return targets;
}

const Target* find_target(const std::string& name) {
    for (const Target* target : runnable_targets())
        if (name == target->name) return target;
    return nullptr;
}

}  // namespace tconv
