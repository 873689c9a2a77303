// What a call costs, and so which algorithm a plan takes. Each algorithm estimates its own operations;
// what they weigh against each other stands here, once a kind of processor. The unit is the time of
// one vector multiply-add of one thread. `python -m benchmarks calibrate` measures these constants on
// the machine at hand and tells how often the choice was right.
#pragma once

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t task_cost = 1500;  // of handing a task to a thread

// Of an algorithm: the time of a multiply-add and of another operation that it counts.
struct AlgorithmCosts {
    double product = 1, other = 1;
};

struct Costs {
    double bytes_per_operation;  // that one thread moves in the time of a multiply-add
    AlgorithmCosts algorithms[16];  // in the order of the registry; 1 where none is given
};

#if TCONV_VECTOR_BYTES == 32
// Fitted on an AMD EPYC (Zen 5) with TCONV_CPU=avx2.
constexpr Costs costs{7, {{1, 4}, {0.65, 1.45}, {2.4, 1}, {0.92, 3.3}, {0.65, 0.81}, {1.04, 0.49},
                          {0.72, 0.38}}};
#else
constexpr Costs costs{7, {}};  // the unit of every algorithm's own costs, fitted with AVX-512
#endif

// The time of the slowest thread, where tasks are about equal.
inline double operations(const Cost& cost, Method method, int threads, bool with_packing) {
    const AlgorithmCosts& own = costs.algorithms[method - 1];
    const double work = own.product * cost.products + own.other * cost.others +
                        cost.bytes / costs.bytes_per_operation;
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
