// Rows of cells: copied, and phases of the last axis interleaved into rows of the output,
// to[x·s + r] = rows[r][at + x].
#pragma once

#include <type_traits>

#include "simd/integers.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
TCONV_INLINE void zero(T* to, int64_t cells) {
    constexpr int64_t lanes = Lanes<T>::count;
    const typename Lanes<T>::V zeros{};
    int64_t i = 0;
    for (; i + lanes <= cells; i += lanes) store<T>(to + i, zeros);
    if (i < cells) store_first<T>(to + i, zeros, cells - i);
}

template <class T>
TCONV_INLINE void copy(T* to, const T* from, int64_t cells) {
    constexpr int64_t lanes = Lanes<T>::count;
    int64_t i = 0;
    if (cells > 2 * lanes) {  // the first overlaps the second, whose place is aligned
        store<T>(to, load<T>(from));
        i = lanes - int64_t(reinterpret_cast<uintptr_t>(to) / sizeof(T)) % lanes;
    }
    for (; i + lanes <= cells; i += lanes) store<T>(to + i, load<T>(from + i));
    if (i < cells) store_first<T>(to + i, load_first<T>(from + i, cells - i), cells - i);
}

// Rows of packed B: `cells` of each, of which `held` are copied and those before and after are zero.
struct Rows {
    int64_t before, held, cells;
    int64_t from_step, to_step;  // from row to row
    int64_t ahead;               // to the cells that are fetched, or none
};

// Writes up to a vector beyond each row, before the next.
template <class T>
void copy_rows_padded(const Rows& given, int64_t count, const T* from, T* to) {
    constexpr int64_t lanes = Lanes<T>::count;
    const typename Lanes<T>::V zeros{};
    const Rows r = given;
    const int64_t after = r.before + r.held;
    for (; count > 0; --count, from += r.from_step, to += r.to_step) {
        for (int64_t i = 0; i < r.before; i += lanes) store<T>(to + i, zeros);
        if (r.ahead)
            for (int64_t i = 0; i < r.held; i += lanes) __builtin_prefetch(from + i + r.ahead);
        T* const own = to + r.before;
        int64_t i = 0;
        for (; i + lanes <= r.held; i += lanes) store<T>(own + i, load<T>(from + i));
        if (i < r.held) store<T>(own + i, load_first<T>(from + i, r.held - i));
        for (i = after; i < r.cells; i += lanes) store<T>(to + i, zeros);
    }
}

// As many cells of S vectors as there are.
template <int S, class T>
TCONV_INLINE void store_some(T* to, const typename Lanes<T>::V* v, int64_t cells) {
    constexpr int64_t lanes = Lanes<T>::count;
    for (int i = 0; i < S; ++i) {
        const int64_t left = cells - i * lanes;
        if (left >= lanes)
            store<T>(to + i * lanes, v[i]);
        else if (left > 0)
            store_first<T>(to + i * lanes, v[i], left);
    }
}

// The vectors of S phases become what stands in the output.
template <class T, int S>
TCONV_INLINE void zip(typename Lanes<T>::V* v) {
    if constexpr (S == 3) {
        const auto a = v[0], b = v[1], c = v[2];
        v[0] = interleaved<T, 0>(a, b, c);
        v[1] = interleaved<T, 1>(a, b, c);
        v[2] = interleaved<T, 2>(a, b, c);
    } else {
        interleave<T, S>(v);
    }
}

template <int S, class T>
TCONV_INLINE void zip(const T* const* rows, int64_t x, typename Lanes<T>::V* v) {
    for (int i = 0; i < S; ++i) v[i] = load<T>(rows[i] + x);
    zip<T, S>(v);
}

template <int S, class T>
TCONV_INLINE void zipped(T* to, const T* const* rows, int64_t at, int64_t x, int64_t end,
                                bool nontemporal) {
    constexpr int64_t lanes = Lanes<T>::count;
    typename Lanes<T>::V v[S];
    if (nontemporal) {
        int64_t before = 0;  // positions to the first one whose place is aligned
        while (before < lanes && !aligned(to + S * (x + before))) ++before;
        if (before < lanes && x + before < end) {
            if (before) {
                zip<S>(rows, at + x, v);
                store_some<S>(to + S * x, v, S * before);
            }
            for (x += before; x + lanes <= end; x += lanes) {
                zip<S>(rows, at + x, v);
                for (int i = 0; i < S; ++i) store_nontemporal<T>(to + S * x + i * lanes, v[i]);
            }
            if (x < end) {
                zip<S>(rows, at + x, v);
                const int64_t cells = S * (end - x);
                for (int i = 0; i < S; ++i) {
                    T* const here = to + S * x + i * lanes;
                    const int64_t left = cells - i * lanes;
                    if (left >= lanes)
                        store_nontemporal<T>(here, v[i]);
                    else if (left > 0)
                        store_first<T>(here, v[i], left);
                }
            }
            return;
        }
    }
    for (; x + lanes <= end; x += lanes) {
        zip<S>(rows, at + x, v);
        for (int i = 0; i < S; ++i) store<T>(to + S * x + i * lanes, v[i]);
    }
    if (x < end) {
        zip<S>(rows, at + x, v);
        store_some<S>(to + S * x, v, S * (end - x));
    }
}

// Strides of at least a vector: squares of positions and phases, transposed.
template <class T>
int64_t transposed(T* to, const T* const* rows, int64_t at, int64_t x, int64_t end, int64_t stride) {
    constexpr int64_t lanes = Lanes<T>::count;
    for (; x + lanes <= end; x += lanes) {
        int64_t r = 0;
        for (; r + lanes <= stride; r += lanes) {
            typename Lanes<T>::V v[lanes];
            for (int i = 0; i < lanes; ++i) v[i] = load<T>(rows[r + i] + at + x);
            interleave<T, static_cast<int>(lanes)>(v);
            for (int i = 0; i < lanes; ++i) store<T>(to + (x + i) * stride + r, v[i]);
        }
        for (; r < stride; ++r)
            for (int i = 0; i < lanes; ++i) to[(x + i) * stride + r] = rows[r][at + x + i];
    }
    return x;
}

// S: the stride where it is interleaved in registers; -1 where squares are transposed; else 0.
template <int S, class T>
TCONV_INLINE void write_inner(T* to, const T* const* rows, int64_t at, int64_t x, int64_t end,
                              int64_t stride, bool nontemporal) {
    if constexpr (S > 0) {
        zipped<S>(to, rows, at, x, end, nontemporal);
    } else {
        if constexpr (S < 0) x = transposed(to, rows, at, x, end, stride);
        for (; x < end; ++x)
            for (int64_t r = 0; r < stride; ++r)
                if (rows[r]) to[x * stride + r] = rows[r][at + x];
    }
}

// Positions some of whose phases lie outside of a row of `length` cells; `to` stands at its `first`.
template <class T>
void write_edge(T* to, const T* const* rows, int64_t at, int64_t x, int64_t end, int64_t stride,
                int64_t first, int64_t length) {
    for (; x < end; ++x)
        for (int64_t r = 0; r < stride; ++r) {
            const int64_t o = first + x * stride + r;
            if (rows[r] && o >= 0 && o < length) to[x * stride + r] = rows[r][at + x];
        }
}

// Calls write with the S of a stride all of whose phases are there.
template <class T, class Write>
auto by_stride(int64_t stride, bool all, Write write) {
    if (all) {
        if (stride == 1) return write(std::integral_constant<int, 1>());
        if (stride == 2) return write(std::integral_constant<int, 2>());
        if (stride == 3) return write(std::integral_constant<int, 3>());
        if (stride == 4) return write(std::integral_constant<int, 4>());
        if (stride == 8) return write(std::integral_constant<int, 8>());
        if (stride >= Lanes<T>::count) return write(std::integral_constant<int, -1>());
    }
    return write(std::integral_constant<int, 0>());
}

}  // namespace tconv::TCONV_TARGET
