// The products of depthwise layers: blocks of positions and of phases that read the same cells, with
// lanes along channels.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "heuristics/depthwise.hpp"
#include "simd/activations.hpp"
#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET::depthwise {

constexpr int accumulators = TCONV_VECTOR_BYTES == 64 ? 24 : 12;  // vectors in registers
constexpr int max_phases = TCONV_VECTOR_BYTES == 64 ? 4 : 2;      // of a block
constexpr int max_positions(int64_t phases) {
    return static_cast<int>(phases == 1 ? row_positions : accumulators / phases);
}

// A product of each phase: what it reads, from where its position stands, and its weights.
struct PhaseTap {
    int64_t x, w[max_phases];
};

template <class T>
struct PhaseBlock {
    const PhaseTap* tap;
    int64_t taps, channels;
    const T* x;
    const T* w;
    const T* start;
    T* y;
    int64_t read, write;  // from a position to the next
    const int64_t* to;    // of each phase
    bool relu;
    bool adds = false;  // to what stands in y
};

// y[p][m] = start + sum over taps of x[m] * w[p], for every channel: a vector of them at a time,
// the last of which laps over the one before it.
template <class T, int P, int M>
void sum_block(const PhaseBlock<T>& block) {
    constexpr int64_t lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    const PhaseBlock<T> b = block;  // which no store can change
    int64_t place[P];
    for (int p = 0; p < P; ++p) place[p] = b.to[p];
    V sum[P][M];
    for (int64_t c = 0; c < b.channels; c += lanes) {
        c = min(c, b.channels - lanes);
        const T* const from = b.x + c;
        const T* const weights = b.w + c;
        const auto each_sum = [&](const auto& f) TCONV_INLINED {
#pragma GCC unroll 4
            for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
                for (int m = 0; m < M; ++m) f(sum[p][m], b.y + (c + place[p]) + m * b.write);
        };
        const V start = load<T>(b.start + c);
        each_sum([&](V& v, T*) TCONV_INLINED { v = start; });
        for (int64_t i = 0; i < b.taps; ++i) {
            const PhaseTap& tap = b.tap[i];
            const T* cell = from + tap.x;
            V w[P];
#pragma GCC unroll 4
            for (int p = 0; p < P; ++p) w[p] = load<T>(weights + tap.w[p]);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m, cell += b.read) {
                const V x = load<T>(cell);
#pragma GCC unroll 4
                for (int p = 0; p < P; ++p) sum[p][m] += x * w[p];
            }
        }
        if (b.adds) each_sum([&](V& v, const T* at) TCONV_INLINED { v += load<T>(at); });
        if (b.relu) each_sum([&](V& v, T*) TCONV_INLINED { v = rectified(v); });
        each_sum([&](const V& v, T* at) TCONV_INLINED { store<T>(at, v); });
    }
}

template <class T>
using SumBlock = void (*)(const PhaseBlock<T>&);

template <class T, int P, int M = max_positions(P)>
SumBlock<T> sum_block_of(int64_t positions) {
    if constexpr (M > 1)
        if (positions < M) return sum_block_of<T, P, M - 1>(positions);
    return sum_block<T, P, M>;
}

template <class T, int P = max_phases>
SumBlock<T> sum_block_of(int64_t phases, int64_t positions) {
    if constexpr (P > 1)
        if (phases < P) return sum_block_of<T, P - 1>(phases, positions);
    return sum_block_of<T, P>(positions);
}

// Sums of more taps than a KC block has are added up in y, a vector of channels at a time.
template <class T>
void add_up_block(SumBlock<T> sum, PhaseBlock<T> block) {
    constexpr int64_t lanes = Lanes<T>::count;
    const PhaseBlock<T> all = block;
    const T zeros[lanes] = {};
    block.channels = lanes;
    for (int64_t c = 0; c < all.channels; c += lanes) {
        c = min(c, all.channels - lanes);
        block.x = all.x + c;
        block.w = all.w + c;
        block.y = all.y + c;
        for (int64_t i = 0; i < all.taps; i += kc) {
            block.tap = all.tap + i;
            block.taps = min(kc, all.taps - i);
            block.start = i ? zeros : all.start + c;
            block.adds = i > 0;
            block.relu = all.relu && i + kc >= all.taps;
            sum(block);
        }
    }
}

}  // namespace tconv::TCONV_TARGET::depthwise
