// Register-blocked products whose inputs are taken from wherever they lie: a block is of any
// positions, each given by the place of its cell. Between the products is done what keeps them from
// waiting for memory.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "gemm/staging.hpp"

namespace tconv::TCONV_TARGET::along_channels {

constexpr int most_columns = TCONV_VECTOR_BYTES == 64 ? 4 : 2;  // of a block, in vectors

// Positions of a block of so many columns: what registers hold, and addresses of them too.
constexpr int most_positions(int64_t vectors) {
    if (TCONV_VECTOR_BYTES != 64) return 6;
    return vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
}

// Sums of a block with channels in the lanes: columns, and positions.
constexpr int sums_at_once = TCONV_VECTOR_BYTES == 64 ? 24 : 12;
constexpr int most_dots = TCONV_VECTOR_BYTES == 64 ? 6 : 4;
constexpr int dot_positions(int64_t columns) {
    return static_cast<int>(columns == 1 ? sums_at_once / 2 : sums_at_once / columns);
}

constexpr int64_t chunk = 16;  // channels between which something else is done
constexpr int64_t line_bytes = 64;

// What is done beside the products of a block, a part of it with every chunk.
template <class T>
struct Beside {
    int64_t pieces = 0;          // of a sum, the first, beside which it is done
    int64_t ahead = 0;           // from the inputs of a block to those of the next, fetched
    int64_t lines = 0;           // of weights, fetched into the second-level cache with a chunk
    const T* weights = nullptr;  // the first of them
    int64_t vectors = 0;         // written with a chunk
    Flow<T> flow{nullptr, nullptr, 0, false};

    template <int M>
    TCONV_INLINE void chunk(const T* const (&at)[M], int64_t c) {
        if (ahead)
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) __builtin_prefetch(at[m] + c + ahead);
        if (lines) {
            const T* const end = weights + lines * (line_bytes / int64_t(sizeof(T)));
            for (; weights < end; weights += line_bytes / int64_t(sizeof(T)))
                __builtin_prefetch(weights, 0, 2);
        }
        if (flow.vectors) flow.write(vectors);
    }
};

// Neighbouring products of one sum: channels of one tap.
struct Piece {
    int64_t from, weights, channels;  // where it starts: from a position's cell, in the weights
    bool cut;                         // whether the sum is cut after it
};

template <class T>
struct Gathered {
    const Piece* piece;
    int64_t pieces;
    const T* x;
    const int64_t* from;  // of each position
    const T* weights;
    const T* start;
    T* y;
    const int64_t* to;      // of each position
    const int64_t* column;  // of each vector, beyond that
    bool relu;
    Beside<T> beside;
    bool nontemporal = false;   // past the caches, to aligned places

    // Of the pieces beside which something is done.
    int64_t chunks() const {
        int64_t all = 0;
        for (int64_t i = 0; i < beside.pieces; ++i) all += (piece[i].channels + chunk - 1) / chunk;
        return all;
    }
};

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // `before` is read where `cut` is true
#endif

// sum[m][n] = start[n] + sum over channels of x[m][channel] * weights[channel][n], n in lanes.
template <class T, int M, int N>
void gather(const Gathered<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M][N], before[M][N];
    Beside<T> beside = p.beside;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sum[m][n] = load<T>(p.start + n * lanes);
    bool cut = false;
    for (int64_t i = 0; i < p.pieces; ++i) {
        const Piece& piece = p.piece[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + piece.from);
        const T* w = p.weights + piece.weights;
        const bool busy = i < beside.pieces;
        const int64_t at_once = busy ? chunk : piece.channels;
        for (int64_t c = 0, end = 0; c < piece.channels;) {
            if (busy) beside.chunk(at, c);
            end = end + at_once < piece.channels ? end + at_once : piece.channels;
            for (; c < end; ++c, w += N * lanes) {
                V v[N];
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) v[n] = load<T>(w + n * lanes);
#pragma GCC unroll 16
                for (int m = 0; m < M; ++m) {
                    const V b = broadcast<T>(at[m][c]);
#pragma GCC unroll 4
                    for (int n = 0; n < N; ++n) sum[m][n] += b * v[n];
                }
            }
        }
        if (!piece.cut) continue;
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                before[m][n] = cut ? before[m][n] + sum[m][n] : sum[m][n];
                sum[m][n] = V{};
            }
        cut = true;
    }
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            V v = cut ? before[m][n] + sum[m][n] : sum[m][n];
            if (p.relu) v = rectified(v);
            T* const to = p.y + (p.to[m] + p.column[n]);
            p.nontemporal ? store_nontemporal<T>(to, v) : store<T>(to, v);
        }
}

template <class T>
using Gather = void (*)(const Gathered<T>&);

template <class T, int M, int N>
Gather<T> gather_of(int64_t positions) {
    if constexpr (M > 1)
        if (positions < M) return gather_of<T, M - 1, N>(positions);
    return gather<T, M, N>;
}

template <class T, int N>
Gather<T> gather_of(int64_t positions, int64_t vectors) {
    if constexpr (N > 1)
        if (vectors < N) return gather_of<T, N - 1>(positions, vectors);
    return gather_of<T, most_positions(N), N>(positions);
}

// y[m][r] = start[m][r] + sum over channels of x[m][channel] * weights[channel][r]: where columns
// are few, channels stand in the lanes, and every sum is that of a vector at last.
template <class T, int R>
void dot(const Gathered<T>& p) {
    constexpr int lanes = Lanes<T>::count, M = dot_positions(R);
    typedef typename Lanes<T>::V V;
    V sum[M * R], before[M * R];
#pragma GCC unroll 24
    for (int i = 0; i < M * R; ++i) sum[i] = V{};
    bool cut = false;
    for (int64_t i = 0; i < p.pieces; ++i) {
        const Piece& piece = p.piece[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + piece.from);
        const T* w = p.weights + piece.weights;
        const int64_t whole = piece.channels / lanes * lanes, rest = piece.channels - whole;
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
        if (!piece.cut) continue;
#pragma GCC unroll 24
        for (int j = 0; j < M * R; ++j) {
            before[j] = cut ? before[j] + sum[j] : sum[j];
            sum[j] = V{};
        }
        cut = true;
    }
#pragma GCC unroll 24
    for (int j = 0; j < M * R; ++j)
        if (cut) sum[j] += before[j];
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

template <class T, int R = most_dots>
Gather<T> dot_of(int64_t columns) {
    if constexpr (R > 1)
        if (columns < R) return dot_of<T, R - 1>(columns);
    return dot<T, R>;
}

}  // namespace tconv::TCONV_TARGET::along_channels
