// Tuned numbers of the method `channels`. `python -m benchmarks layers` fits the cache budgets,
// `python -m benchmarks calibrate` the costs.
#pragma once

#include <cstdint>

namespace tconv::TCONV_TARGET::channels {

// Cache budgets.
constexpr int64_t input_bytes = 1 << 20;            // inputs of a tile, read for every N-block
constexpr int64_t transposed_bytes = 512 << 10;     // outputs of a tile that wait to be transposed
constexpr int64_t max_tile_positions = 1024;        // of one image or of several
constexpr int64_t staging_bytes = 48 << 10;         // outputs staged before they are written
constexpr int64_t staging_positions = 24;           // staged at least: whole M-blocks of any width
constexpr int64_t max_staged_weight_bytes = 1 << 20;  // weights read again for all staged positions
constexpr int64_t prefetched_weight_bytes = 512 << 10;  // fit the caches beside what is in use
constexpr int64_t prefetching_blocks = 16;          // M-blocks from which on prefetching pays
constexpr int64_t max_stamped_cells = 48;           // of an input whose taps are stamped one by one
constexpr int64_t min_stamped_channels = 64;        // input channels that make stamping worth it
constexpr int64_t min_phase_channels = 64;          // from here on phases do not share vectors

// Costs, in vector multiply-adds.
constexpr double packing_cost = 4;           // of a weight packed
constexpr double position_cost = 8;          // of finding the inputs of a position, an N-block
constexpr double dot_column_cost = 6;        // of a sum over lanes, a position
constexpr double scattered_column_cost = 2;  // of storing a column where vectors do not fit, a position
constexpr double stored_vector_cost = 4;     // of storing a vector, a position
constexpr double transposed_vector_cost = 6; // of a vector read or written with channels first
constexpr double few_alike = 6;              // positions that share the weights they read
constexpr double far_weight_cost = 11;       // of a vector of such weights, read for one position
constexpr double stamped_weight_cost = 22;   // of a vector of far weights, read once
constexpr double reread_weights = 0.25;      // part of the weights that every tile reads from memory

}  // namespace tconv::TCONV_TARGET::channels
