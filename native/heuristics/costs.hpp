// What a call costs, and so which method a plan takes. Each method counts its own operations, in
// its `cost`; what they weigh against each other stands here.
// The unit is the time of one vector multiply-add of one thread. Figures are fits to measurements
// on one machine with AVX-512; what matters is their order of size, not their last digit.
#pragma once

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

constexpr double other_cost = 1.0;      // of a vector operation that is no multiply-add
constexpr double bytes_per_operation = 7;  // that one thread moves in the time of a multiply-add
constexpr double task_cost = 1500;      // of handing a task to a thread

// The time of the slowest thread, where tasks are about equal.
inline double operations(const Cost& cost, int threads, bool with_packing) {
    const double work = cost.products + other_cost * cost.others + cost.bytes / bytes_per_operation;
    const double tasks = static_cast<double>(cost.tasks < 1 ? 1 : cost.tasks);
    const double rounds = static_cast<double>((cost.tasks + threads - 1) / threads);
    return work * rounds / tasks + rounds * task_cost + (with_packing ? cost.packing : 0);
}

// Bytes of input and output, or of the output alone.
template <class T>
double bytes_moved(const Layer& layer, const Shape& shape, bool with_input = true) {
    double in = static_cast<double>(layer.in_channels);
    double out = static_cast<double>(layer.out_channels);
    for (int a = 0; a < 3; ++a) {
        in *= static_cast<double>(shape.input[a]);
        out *= static_cast<double>(shape.output[a]);
    }
    return static_cast<double>(shape.batch) * (with_input ? in + out : out) * sizeof(T);
}

}  // namespace tconv::TCONV_TARGET
