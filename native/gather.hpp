// Register-blocked products whose inputs are taken from wherever they lie: a block is of any
// positions, each given by the place of its cell.
#pragma once

#include "micro.hpp"

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
        for (int64_t c = 0; c < piece.channels; ++c, w += N * lanes) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(w + n * lanes);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V b = splat<T>(at[m][c]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += b * v[n];
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
            store<T>(p.y + (p.to[m] + p.column[n]), v);
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
