// The micro-kernels of the phase product, mr rows by nr vectors, whose B is read at the offsets of taps:
//     c[m][n] = start[m] + sum over channels and taps of a[channel][tap][m] * b[channel·plane + offset[tap] + n]
#pragma once

#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET {

constexpr int max_rows = 8;
constexpr int max_vectors = TCONV_VECTOR_BYTES == 64 ? 3 : 1 + (TCONV_VECTOR_BYTES == 32);

// The KC block: products accumulated in registers. Longer sums are added up block by block, so that
// rounding errors do not pile up.
constexpr int64_t kc = 256;

template <class T>
struct Product {
    int64_t channels, taps, plane;
    const int32_t* offset;
    const T* a;
    const T* b;
    T* c;
    int64_t row;     // distance between rows of c
    const T* start;  // a value a row to begin from: the bias
    bool relu;
    bool adds = false;              // to what stands in c
    const int64_t* runs = nullptr;  // taps of each run, where rows differ in taps
    const T* ahead = nullptr;       // cells that a later product reads, asked from memory in passing
    int64_t ahead_plane = 0;        // between channels of them
};

constexpr int widest_kernel = 6;  // vectors, beside few rows
constexpr int most_runs = 4;
constexpr int most_sums = TCONV_VECTOR_BYTES == 64 ? 28 : max_rows * max_vectors;  // in registers
constexpr int tallest_kernel = TCONV_VECTOR_BYTES == 64 ? most_sums / 2 : max_rows;

// Vectors computed at once beside so many rows.
constexpr int vectors_beside(int rows) {
    if (TCONV_VECTOR_BYTES < 64) return max_vectors;
    if (rows <= 4) return widest_kernel;
    return most_sums / rows < max_vectors ? most_sums / rows : max_vectors;
}

// Ways to compute so many rows, by the number of vectors less one; and the rows of each run.
template <class T>
struct Kernel {
    int rows, vectors, runs;
    int first[most_runs], end[most_runs];
    void (*of[widest_kernel])(const Product<T>&);
};

// A kernel of rows that all taps enter; of a single tap, where that is all there are.
template <class T>
const Kernel<T>& kernel_of(int64_t rows, bool single);

// The product over `width` cells of b, a few vectors at a time; `ahead` says of a cell of b what to
// ask from memory meanwhile.
template <class T, class Ahead>
void sweep(Product<T> product, const Kernel<T>& kernel, int64_t width, const Ahead& ahead) {
    constexpr int64_t lanes = Lanes<T>::count;
    if (!product.runs) product.runs = &product.taps;
    const int64_t vectors = (width + lanes - 1) / lanes;
    const int64_t strips = (vectors + kernel.vectors - 1) / kernel.vectors;
    for (int64_t i = 0, at = 0, least = vectors / (strips ? strips : 1); i < strips; ++i) {
        const int64_t now = least + (i < vectors - strips * least);
        product.ahead = ahead(at);
        kernel.of[now - 1](product);
        product.b += now * lanes;
        product.c += now * lanes;
        at += now * lanes;
    }
}
template <class T>
void sweep(const Product<T>& product, int64_t rows, int64_t width) {
    sweep<T>(product, kernel_of<T>(rows, product.taps == 1), width, [](int64_t) { return nullptr; });
}

// Rows of a product are cut into blocks of nearly equal height, at most max_rows.
inline int64_t block_rows(int64_t rows, int64_t first) {
    const int64_t blocks = ceil_div(rows, max_rows);
    const int64_t left = ceil_div(rows - first, ceil_div(rows, blocks));
    return ceil_div(rows - first, left);
}

}  // namespace tconv::TCONV_TARGET
