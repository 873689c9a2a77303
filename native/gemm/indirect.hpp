// Indirect GEMM (igemm): register-blocked products whose rows lie anywhere. The indirection buffer
// tells for each row, a position, where its cell is, and for each tap how far from there its inputs
// are. Prefetches and the write-back of staged output stand between the products.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "gemm/staging.hpp"

namespace tconv::TCONV_TARGET::indirect {

constexpr int accumulators = TCONV_VECTOR_BYTES == 64 ? 24 : 12;  // vectors in registers

// nr of a block, in vectors; and mr, its positions: what registers hold, and their addresses too.
constexpr int max_nr = TCONV_VECTOR_BYTES == 64 ? 4 : 2;
constexpr int mr_of(int64_t vectors) {
    if (TCONV_VECTOR_BYTES != 64) return 6;
    return vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
}

// The same of a block with input channels in the lanes, whose columns are no vectors.
constexpr int max_dot_columns = TCONV_VECTOR_BYTES == 64 ? 6 : 4;
constexpr int dot_mr_of(int64_t columns) {
    return static_cast<int>(columns == 1 ? accumulators / 2 : accumulators / columns);
}

constexpr int64_t step_channels = 16;  // between which memory is seen to
constexpr int64_t line_bytes = 64;

// What a block does for memory, a part of it with every step of its first products.
template <class T>
struct MemorySteps {
    int64_t entries = 0;         // of the indirection buffer, the first, that have steps
    int64_t ahead = 0;           // from the inputs of a block to those of the next, prefetched
    int64_t lines = 0;           // of weights, prefetched into the second-level cache with a step
    const T* weights = nullptr;  // the first of them
    int64_t vectors = 0;         // written back with a step
    WriteBack<T> write_back;

    template <int M>
    TCONV_INLINE void step(const T* const (&at)[M], int64_t c) {
        if (ahead)
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) __builtin_prefetch(at[m] + c + ahead);
        if (lines) {
            const T* const end = weights + lines * (line_bytes / int64_t(sizeof(T)));
            for (; weights < end; weights += line_bytes / int64_t(sizeof(T)))
                __builtin_prefetch(weights, 0, 2);
        }
        if (write_back.vectors) write_back.write(vectors);
    }
};

// Neighbouring products of a sum: channels of one tap.
struct Indirection {
    int64_t input, weights, channels;  // where it starts: from a position's cell, in the weights
    bool ends_kc_block;                // whether the sum so far is set apart after it
};

template <class T>
struct IndirectProduct {
    const Indirection* entry;
    int64_t entries;
    const T* x;
    const int64_t* from;  // of each position
    const T* weights;
    const T* start;
    T* y;
    const int64_t* to;      // of each position
    const int64_t* column;  // of each vector, beyond that
    bool relu;
    MemorySteps<T> memory;
    bool nontemporal = false;  // stores, to aligned places

    // Of the entries that have some.
    int64_t steps() const {
        int64_t all = 0;
        for (int64_t i = 0; i < memory.entries; ++i)
            all += (entry[i].channels + step_channels - 1) / step_channels;
        return all;
    }
};

template <class T>
using IndirectKernel = void (*)(const IndirectProduct<T>&);

// y[m][n] = start[n] + sum over channels of x[m][channel] * weights[channel][n], n in lanes.
template <class T>
IndirectKernel<T> igemm_of(int64_t positions, int64_t vectors);

// y[m][r] = start[m][r] + sum over channels of x[m][channel] * weights[channel][r]: where columns
// are few, channels stand in the lanes, and every sum is that of a vector at last.
template <class T>
IndirectKernel<T> dots_of(int64_t columns);

}  // namespace tconv::TCONV_TARGET::indirect
