// Tuned numbers of the method `depthwise`. `python -m benchmarks layers` fits the cache budgets,
// `python -m benchmarks calibrate` the costs.
#pragma once

#include <cstdint>

namespace tconv::TCONV_TARGET::depthwise {

// Cache budgets.
constexpr int64_t row_positions = 12;  // of a row whose phases are written together

// Costs, in vector multiply-adds.
constexpr double packing_cost = 4;    // of a weight packed
constexpr double vector_cost = 1;     // of a vector of the output
constexpr double row_cost = 100;      // of a row of the output
constexpr double task_work = 25000;   // worth handing to a thread

}  // namespace tconv::TCONV_TARGET::depthwise
