#include "gemm/mixed_taps.hpp"

#include "gemm/micro_kernel_body.hpp"

namespace tconv::TCONV_TARGET {

template <class T, int first, int both, int second, int neither, int taps>
constexpr const Kernel<T>* mixed_with =
    &kernel_with<T, first + both + second + neither,
                 Run<0, first + both + second + neither, taps * taps>, Run<0, first + both, taps>,
                 Run<first, first + both + second, taps>, Run<first, first + both, taps ? 1 : 0>>;

template <class T, int first, int both, int second, int neither>
const Kernel<T>* mixed_if(const Mix& mix) {
    if (mix.first != first || mix.both != both || mix.second != second || mix.neither != neither)
        return nullptr;
    if constexpr (sizeof(T) == sizeof(float)) {  // unrolled by the taps, where that pays for its compilation
        if (mix.taps == 1) return mixed_with<T, first, both, second, neither, 1>;
        if (mix.taps == 2) return mixed_with<T, first, both, second, neither, 2>;
    }
    return mixed_with<T, first, both, second, neither, 0>;
}

template <class T>
const Kernel<T>* mixed_of(const Mix& mix) {
    if (const auto* k = mixed_if<T, 1, 1, 1, 1>(mix)) return k;
    if constexpr (TCONV_VECTOR_BYTES == 64) {
        if (const auto* k = mixed_if<T, 2, 2, 2, 2>(mix)) return k;
        if (const auto* k = mixed_if<T, 3, 3, 3, 3>(mix)) return k;
        if (const auto* k = mixed_if<T, 2, 1, 2, 4>(mix)) return k;
        if (const auto* k = mixed_if<T, 2, 4, 2, 1>(mix)) return k;
        if (const auto* k = mixed_if<T, 3, 1, 3, 0>(mix)) return k;
    }
    return nullptr;
}

template const Kernel<float>* mixed_of(const Mix&);
template const Kernel<double>* mixed_of(const Mix&);

}  // namespace tconv::TCONV_TARGET
