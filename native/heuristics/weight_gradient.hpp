// Cache budgets of the weight gradient, fitted by `python -m benchmarks layers`.
#pragma once

#include <cstdint>

namespace tconv {

constexpr int64_t gradient_sum_bytes = 768 << 10;   // sums of one task
constexpr int64_t gradient_read_bytes = 384 << 10;  // packed y of one task
constexpr int64_t most_gradient_vectors = 32;       // of channels in one task
constexpr int64_t longest_gradient_step = 1024;     // cells from position to position
constexpr int64_t fewest_gradient_tasks = 16;       // that a call is cut into, where it can be
constexpr int64_t partial_gradient_bytes = 2 << 20;  // partial gradients of all parts together

}  // namespace tconv
