#include "gemm/micro_kernel_body.hpp"

namespace tconv::TCONV_TARGET {

template <class T, int... M>
const Kernel<T>& kernel_of(int64_t rows, bool single, std::integer_sequence<int, M...>) {
    static constexpr const Kernel<T>* any[] = {&kernel_with<T, M + 1>...};
    static constexpr const Kernel<T>* one[] = {&kernel_with<T, M + 1, Run<0, M + 1, 1>>...};
    return *(single ? one : any)[rows - 1];
}

template <class T>
const Kernel<T>& kernel_of(int64_t rows, bool single) {
    return kernel_of<T>(rows, single, std::make_integer_sequence<int, tallest_kernel>());
}

template const Kernel<float>& kernel_of(int64_t, bool);
template const Kernel<double>& kernel_of(int64_t, bool);

}  // namespace tconv::TCONV_TARGET
