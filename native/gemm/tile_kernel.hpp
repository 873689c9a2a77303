// The micro-kernel of transformed tiles times transformed weights, lanes along the columns.
#pragma once

#include "gemm/micro_kernel.hpp"

namespace tconv::TCONV_TARGET {

constexpr int tile_mr = TCONV_VECTOR_BYTES == 64 ? 12 : 6;  // rows of a register block
constexpr int tile_nr = 2;                                  // columns of it, in vectors

// c[m][n] = sum over channels of a[m] * b[n], added to c where `adds`.
template <class T>
struct TileProduct {
    int64_t channels, kc;  // of the sum, and of each KC block of it
    const T* a;
    int64_t a_row;      // from row to row, where A lies as [row][channel]
    const T* b;
    const T* prefetch;  // a cache line of it is prefetched for each channel
    T* c;
    int64_t c_row;
    bool adds;
    int64_t b_row = 0;  // from channel to channel, where A lies as [channel][row]
};

// M rows by N vectors. A is packed as [channel][row], or lies as [row][channel] and B is packed.
template <class T, int M, int N, bool packed_a = false>
void tile_kernel(const TileProduct<T>& p) {
    typedef typename Lanes<T>::V V;
    constexpr int lanes = Lanes<T>::count;
    constexpr int pointers = packed_a ? 1 : (M + 2) / 3;  // every third row: few registers
    const int64_t row = p.a_row, b_row = packed_a ? p.b_row : N * lanes;
    const T* a[pointers];
#pragma GCC unroll 4
    for (int i = 0; i < pointers; ++i) a[i] = p.a + 3 * i * row;
    const T *b = p.b, *prefetch = p.prefetch;
    if constexpr (!packed_a)
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) __builtin_prefetch(p.c + m * p.c_row + n * lanes, 1);
    for (int64_t done = 0; done < p.channels;) {
        const bool adds = p.adds || done > 0;
        const int64_t end = min(p.channels, done + p.kc);
        V sum[M][N];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) sum[m][n] = V{};
        for (; done < end; ++done, b += b_row) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(b + n * lanes);
            if constexpr (!packed_a) {
                __builtin_prefetch(prefetch);
                prefetch += 64 / sizeof(T);
            }
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V w = broadcast<T>(packed_a ? a[0][m] : a[m / 3][m % 3 * row]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
            }
#pragma GCC unroll 4
            for (int i = 0; i < pointers; ++i) a[i] += packed_a ? M : 1;
        }
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                T* const to = p.c + m * p.c_row + n * lanes;
                store<T>(to, adds ? sum[m][n] + load<T>(to) : sum[m][n]);
            }
    }
}

template <class T, int N, int M = tile_mr>
void tile_kernel_of(const TileProduct<T>& p, int64_t rows) {
    if constexpr (M > 1)
        if (rows < M) return tile_kernel_of<T, N, M - 1>(p, rows);
    tile_kernel<T, M, N>(p);
}

// At most tile_mr rows, and one vector of columns or tile_nr.
template <class T>
TCONV_INLINE void tile_kernel_of(const TileProduct<T>& p, int64_t rows, int64_t vectors) {
    if (vectors == 1)
        tile_kernel_of<T, 1>(p, rows);
    else
        tile_kernel_of<T, tile_nr>(p, rows);
}

}  // namespace tconv::TCONV_TARGET
