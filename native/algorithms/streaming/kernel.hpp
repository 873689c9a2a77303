// Rows of the output, computed in registers: S phases of R rows, N vectors of positions of each.
// Their phases are interleaved and stored.
#pragma once

#include <algorithm>

#include "epilogue.hpp"
#include "gemm/micro_kernel.hpp"
#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET::streaming {

constexpr int max_phases = 8;  // of a row, in registers; of a longer stride so many at a time
constexpr int max_rows = 4;    // of the output, computed at once
constexpr int accumulators = TCONV_VECTOR_BYTES == 64 ? 18 : 10;  // vectors in registers

// Whether so many rows are computed at once, and how many vectors of each.
constexpr bool fits(int phases, int rows) {
    if (rows == 1 || rows * phases > accumulators) return rows == 1;
    return phases <= 4 ? rows == phases || (phases == 1 && rows != 3) : rows == 2;
}
constexpr int vectors_at_once(int phases, int rows) {
    return rows * phases * 2 > accumulators ? 1 : std::min(4, accumulators / (rows * phases));
}

// A row of the input, and the weights by which it enters each output row: where they begin, or
// less than zero where it does not enter.
struct InputRow {
    int64_t x;
    int64_t w[max_rows];
    bool whole;  // it enters all of them
};

// What all the positions of some output rows share.
template <class T>
struct RowBlock {
    const InputRow* inputs;
    int64_t input_count, channels;
    const T* x;
    const T* w;
    int64_t plane, weights;  // from a channel to the next: cells of the input, weights
    const int64_t* at;       // of each weight of a row, the cell it multiplies
    const int64_t* first;    // of each phase, its first weight
    T* to[max_rows];
    T start[max_rows];
    int64_t length, stride;  // of an output row
    int64_t phase, phases;   // the first phase, and how many there are
    int64_t taps;            // the most that a phase has in a row
    const Epilogue<T>* epilogue;
    bool activates, nontemporal;
};

template <class T, int S, int R, int N>
using Sums = typename Lanes<T>::V[R][S][N];

template <int S, int R, int N, class F>
TCONV_INLINE void each_sum(const F& f) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int s = 0; s < S; ++s)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) f(r, s, n);
}

// Adds an input row to the output rows first, ..., first + count - 1.
template <int count, class T, int S, int R, int N>
TCONV_INLINE void add_row(const RowBlock<T>& b, const T* x, const T* w, const int64_t* rows,
                          int first, Sums<T, S, R, N>& sum) {
    typedef typename Lanes<T>::V V;
    const T* of[count];
#pragma GCC unroll 4
    for (int r = 0; r < count; ++r) of[r] = w + rows[first + r];
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s)
        for (int64_t e = b.first[s]; e < b.first[s + 1]; ++e) {
            const T* cell = x + b.at[e];
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n, cell += Lanes<T>::count) v[n] = load<T>(cell);
#pragma GCC unroll 4
            for (int r = 0; r < count; ++r) {
                const V k = broadcast<T>(of[r][e]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[first + r][s][n] += k * v[n];
            }
        }
}

template <class T, int S, int R, int N>
TCONV_INLINE void sum_rows(const RowBlock<T>& b, int64_t column, Sums<T, S, R, N>& sum) {
    typedef typename Lanes<T>::V V;
    Sums<T, S, R, N> before;
    bool is_cut = false;
    int64_t room = kc;
    each_sum<S, R, N>(
        [&](int r, int s, int n) TCONV_INLINED { sum[r][s][n] = broadcast<T>(b.start[r]); });
    for (int64_t c = 0; c < b.channels; ++c)
        for (int64_t i = 0; i < b.input_count; ++i) {
            if (room < b.taps) {
                each_sum<S, R, N>([&](int r, int s, int n) TCONV_INLINED {
                    before[r][s][n] = is_cut ? before[r][s][n] + sum[r][s][n] : sum[r][s][n];
                    sum[r][s][n] = V{};
                });
                is_cut = true;
                room = kc;
            }
            room -= b.taps;
            const InputRow& row = b.inputs[i];
            const T* const x = b.x + row.x + c * b.plane + column;
            const T* const w = b.w + c * b.weights;
            if (R == 1 || row.whole) {
                add_row<R, T, S, R, N>(b, x, w, row.w, 0, sum);
                continue;
            }
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r)
                if (row.w[r] >= 0) add_row<1, T, S, R, N>(b, x, w, row.w, r, sum);
        }
    if (is_cut)
        each_sum<S, R, N>(
            [&](int r, int s, int n) TCONV_INLINED { sum[r][s][n] += before[r][s][n]; });
}

// Where a row ends inside the vectors, or its phases are not as many as they.
template <class T, int S>
__attribute__((noinline)) void store_some(const RowBlock<T>& b, T* to, int64_t at, const T* cell) {
    constexpr int64_t lanes = Lanes<T>::count;
    if (b.stride == S) {
        const int64_t count = min(b.length - at, S * lanes);
        for (int64_t i = 0; i < count; ++i) to[i] = cell[i];
        return;
    }
    for (int64_t i = 0; i < lanes; ++i) {
        T* const position = to + i * b.stride + b.phase;
        const int64_t count = min(b.phases, b.length - (at + i * b.stride + b.phase));
        if (count >= S)
            for (int s = 0; s < S; ++s) position[s] = cell[i * S + s];
        else
            for (int s = 0; s < S; ++s)
                if (s < count) position[s] = cell[i * S + s];
    }
}

// The interleaved phases of a vector of positions to their place in an output row.
template <class T, int S>
TCONV_INLINE void store_phases(const RowBlock<T>& b, T* row, int64_t position,
                               const typename Lanes<T>::V (&v)[S]) {
    constexpr int64_t lanes = Lanes<T>::count;
    const int64_t at = position * b.stride;
    T* const to = row + at;
    if (b.stride == S && at + S * lanes <= b.length) {
        if (b.nontemporal && aligned(to))
#pragma GCC unroll 8
            for (int s = 0; s < S; ++s) store_nontemporal<T>(to + s * lanes, v[s]);
        else
#pragma GCC unroll 8
            for (int s = 0; s < S; ++s) store<T>(to + s * lanes, v[s]);
        return;
    }
    T cell[S * lanes];
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) store<T>(cell + s * lanes, v[s]);
    store_some<T, S>(b, to, at, cell);
}

template <class T, int S>
__attribute__((noinline)) void activate_phases(Epilogue<T> epilogue, typename Lanes<T>::V* v) {
    for (int s = 0; s < S; ++s) epilogue.of(v[s]);
}

template <class T, int S, int R, int N>
void compute(const RowBlock<T>& b, int64_t column, int64_t position) {
    typedef typename Lanes<T>::V V;
    Sums<T, S, R, N> sum;
    sum_rows<T, S, R, N>(b, column, sum);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            V v[S];
#pragma GCC unroll 8
            for (int s = 0; s < S; ++s) v[s] = sum[r][s][n];
            if (b.activates) {
                V u[S];
#pragma GCC unroll 8
                for (int s = 0; s < S; ++s) u[s] = v[s];
                activate_phases<T, S>(*b.epilogue, u);
#pragma GCC unroll 8
                for (int s = 0; s < S; ++s) v[s] = u[s];
            }
            interleave<T, S>(v);
            store_phases<T, S>(b, b.to[r], position + n * Lanes<T>::count, v);
        }
}

// Positions [first, end), whose cells of the input begin where the input rows do.
template <class T, int S, int R>
void compute_positions(const RowBlock<T>& b, int64_t first, int64_t end) {
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr int N = vectors_at_once(S, R);
    int64_t q = first;
    for (; q + (N - 1) * lanes < end; q += N * lanes) compute<T, S, R, N>(b, q - first, q);
    if constexpr (N > 1)
        for (; q < end; q += lanes) compute<T, S, R, 1>(b, q - first, q);
}

template <class T>
using ComputeRows = void (*)(const RowBlock<T>&, int64_t first, int64_t end);

template <class T, int S>
ComputeRows<T> compute_of(int64_t rows) {
    if constexpr (fits(S, 4))
        if (rows == 4) return compute_positions<T, S, 4>;
    if constexpr (fits(S, 3))
        if (rows == 3) return compute_positions<T, S, 3>;
    if constexpr (fits(S, 2))
        if (rows == 2) return compute_positions<T, S, 2>;
    return rows == 1 ? compute_positions<T, S, 1> : nullptr;
}

// What computes so many rows at once, or null.
template <class T>
ComputeRows<T> compute_of(int phases, int64_t rows) {
    switch (phases) {
        case 1: return compute_of<T, 1>(rows);
        case 2: return compute_of<T, 2>(rows);
        case 3: return compute_of<T, 3>(rows);
        case 4: return compute_of<T, 4>(rows);
        case 6: return compute_of<T, 6>(rows);
        default: return compute_of<T, 8>(rows);
    }
}

}  // namespace tconv::TCONV_TARGET::streaming
