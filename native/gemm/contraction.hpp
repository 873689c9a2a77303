// The micro-kernels of the weight gradient, which sum over positions.
#pragma once

#include "gemm/micro_kernel.hpp"

namespace tconv::TCONV_TARGET {

// Contraction of one block of rows with one slice of channels over the positions of a tile.
template <class T>
struct Contraction {
    const T* packed;
    const int64_t* row;    // where each row reads in packed y
    const int32_t* run;    // places of the runs, sequences of positions without a gap
    int64_t runs, length;  // and how long each is
    int64_t step;          // of packed y from position to position
    const T* x;            // positions after each other: [position][channel], or [run][position]
    T* sum;                // [row][channel], or [row][lane]
    int64_t pitch;         // of x from run to run
};

template <class T, int M, int N>
void contract(const Contraction<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M][N];
    const T* row[M];
    for (int m = 0; m < M; ++m) {
        row[m] = p.packed + p.row[m];
        for (int n = 0; n < N; ++n) {
            sum[m][n] = V{};
            __builtin_prefetch(p.sum + (m * N + n) * lanes, 1);
        }
    }
    const T* x = p.x;
    const int64_t step = p.step;
    for (int64_t r = 0; r < p.runs; ++r) {
        const int64_t end = p.run[r] + p.length * step;
        for (int64_t i = p.run[r]; i < end; i += step, x += N * lanes) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(x + n * lanes);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) {
                const V w = broadcast<T>(row[m][i]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
            }
        }
    }
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) {
            T* const to = p.sum + (m * N + n) * lanes;
            store<T>(to, load<T>(to) + sum[m][n]);
        }
}

// The same with lanes along positions, for one channel: each lane sums every lanes-th position.
template <class T, int M>
void contract_along(const Contraction<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M];
    const T* row[M];
    for (int m = 0; m < M; ++m) {
        row[m] = p.packed + p.row[m];
        sum[m] = V{};
    }
    typename Index<T>::type left = static_cast<typename Index<T>::type>(p.length % lanes);
    typedef typename Index<T>::type Mask
        __attribute__((vector_size(sizeof(typename Index<T>::type) * lanes)));
    Mask inside;
    for (int i = 0; i < lanes; ++i) inside[i] = i < left ? -1 : 0;
    for (int64_t r = 0; r < p.runs; ++r) {
        const T* x = p.x + r * p.pitch - p.run[r];
        const int64_t end = p.run[r] + p.length;
        int64_t i = p.run[r];
        for (; i + lanes <= end; i += lanes) {
            const V v = load<T>(x + i);
            for (int m = 0; m < M; ++m) sum[m] += v * load<T>(row[m] + i);
        }
        if (i < end) {
            const V v = load<T>(x + i);  // zeros beyond the end; what the rows hold there is not
            for (int m = 0; m < M; ++m)
                sum[m] += v * (V)((Mask)load<T>(row[m] + i) & inside);
        }
    }
    for (int m = 0; m < M; ++m)
        store<T>(p.sum + m * lanes, load<T>(p.sum + m * lanes) + sum[m]);
}

template <class T>
using Contract = void (*)(const Contraction<T>&);

template <class T, int M>
Contract<T> contract_of(int vectors) {
    if constexpr (max_vectors >= 3)
        if (vectors == 3) return contract<T, M, 3>;
    if constexpr (max_vectors >= 2)
        if (vectors == 2) return contract<T, M, 2>;
    return vectors ? contract<T, M, 1> : contract_along<T, M>;
}

// For so many rows, and vectors of channels; none for lanes along positions.
template <class T>
Contract<T> contract_of(int rows, int vectors) {
    switch (rows) {
        case 1: return contract_of<T, 1>(vectors);
        case 2: return contract_of<T, 2>(vectors);
        case 3: return contract_of<T, 3>(vectors);
        case 4: return contract_of<T, 4>(vectors);
        case 5: return contract_of<T, 5>(vectors);
        case 6: return contract_of<T, 6>(vectors);
        case 7: return contract_of<T, 7>(vectors);
        default: return contract_of<T, 8>(vectors);
    }
}

}  // namespace tconv::TCONV_TARGET
