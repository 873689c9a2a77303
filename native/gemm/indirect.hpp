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

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // `before` is read where `is_cut` is true
#endif

// Sets the sums of a KC block apart, so that rounding errors do not pile up.
template <int count, class V>
TCONV_INLINE void end_kc_block(V (&sum)[count], V (&before)[count], bool& is_cut) {
#pragma GCC unroll 24
    for (int i = 0; i < count; ++i) {
        before[i] = is_cut ? before[i] + sum[i] : sum[i];
        sum[i] = V{};
    }
    is_cut = true;
}

// y[m][n] = start[n] + sum over channels of x[m][channel] * weights[channel][n], n in lanes.
template <class T, int M, int N>
void igemm(const IndirectProduct<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M * N], before[M * N];
    MemorySteps<T> memory = p.memory;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sum[m * N + n] = load<T>(p.start + n * lanes);
    bool is_cut = false;
    for (int64_t i = 0; i < p.entries; ++i) {
        const Indirection& entry = p.entry[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + entry.input);
        const T* w = p.weights + entry.weights;
        const bool has_steps = i < memory.entries;
        const int64_t at_once = has_steps ? step_channels : entry.channels;
        for (int64_t c = 0, end = 0; c < entry.channels;) {
            if (has_steps) memory.step(at, c);
            end = end + at_once < entry.channels ? end + at_once : entry.channels;
            for (; c < end; ++c, w += N * lanes) {
                V v[N];
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) v[n] = load<T>(w + n * lanes);
#pragma GCC unroll 16
                for (int m = 0; m < M; ++m) {
                    const V b = broadcast<T>(at[m][c]);
#pragma GCC unroll 4
                    for (int n = 0; n < N; ++n) sum[m * N + n] += b * v[n];
                }
            }
        }
        if (entry.ends_kc_block) end_kc_block(sum, before, is_cut);
    }
    if (is_cut)
#pragma GCC unroll 24
        for (int i = 0; i < M * N; ++i) sum[i] = before[i] + sum[i];
    if (p.relu)
#pragma GCC unroll 24
        for (int i = 0; i < M * N; ++i) sum[i] = rectified(sum[i]);
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            T* const to = p.y + (p.to[m] + p.column[n]);
            p.nontemporal ? store_nontemporal<T>(to, sum[m * N + n]) : store<T>(to, sum[m * N + n]);
        }
}

template <class T>
using IndirectKernel = void (*)(const IndirectProduct<T>&);

template <class T, int M, int N>
IndirectKernel<T> igemm_of(int64_t positions) {
    if constexpr (M > 1)
        if (positions < M) return igemm_of<T, M - 1, N>(positions);
    return igemm<T, M, N>;
}

template <class T, int N = max_nr>
IndirectKernel<T> igemm_of(int64_t positions, int64_t vectors) {
    if constexpr (N > 1)
        if (vectors < N) return igemm_of<T, N - 1>(positions, vectors);
    return igemm_of<T, mr_of(N), N>(positions);
}

// y[m][r] = start[m][r] + sum over channels of x[m][channel] * weights[channel][r]: where columns
// are few, channels stand in the lanes, and every sum is that of a vector at last.
template <class T, int R>
void dots(const IndirectProduct<T>& p) {
    constexpr int lanes = Lanes<T>::count, M = dot_mr_of(R);
    typedef typename Lanes<T>::V V;
    V sum[M * R], before[M * R];
#pragma GCC unroll 24
    for (int i = 0; i < M * R; ++i) sum[i] = V{};
    bool is_cut = false;
    for (int64_t i = 0; i < p.entries; ++i) {
        const Indirection& entry = p.entry[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + entry.input);
        const T* w = p.weights + entry.weights;
        const int64_t whole = entry.channels / lanes * lanes, rest = entry.channels - whole;
        const auto add = [&](auto read) {
            V v[R];
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) v[r] = load<T>(w + r * lanes);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V b = read(at[m]);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r) sum[m * R + r] += b * v[r];
            }
            w += R * lanes;
        };
        for (int64_t c = 0; c < whole; c += lanes)
            add([c](const T* from) { return load<T>(from + c); });
        if (rest) add([whole, rest](const T* from) { return load_first<T>(from + whole, rest); });
        if (entry.ends_kc_block) end_kc_block(sum, before, is_cut);
    }
#pragma GCC unroll 24
    for (int j = 0; j < M * R; ++j)
        if (is_cut) sum[j] += before[j];
#pragma GCC unroll 24
    for (int first = 0; first < M * R; first += lanes) {
        V part[lanes];
#pragma GCC unroll 16
        for (int j = 0; j < lanes; ++j) part[j] = first + j < M * R ? sum[first + j] : V{};
        V v = load<T>(p.start + first) + sums<T, lanes>(part);
        if (p.relu) v = rectified(v);
        store<T>(p.y + first, v);
    }
}

#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class T, int R = max_dot_columns>
IndirectKernel<T> dots_of(int64_t columns) {
    if constexpr (R > 1)
        if (columns < R) return dots_of<T, R - 1>(columns);
    return dots<T, R>;
}

}  // namespace tconv::TCONV_TARGET::indirect
