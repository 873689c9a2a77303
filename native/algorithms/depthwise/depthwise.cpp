#include "algorithms/depthwise/depthwise.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> depthwise_algorithm() {
    using R = depthwise::DepthwiseRecipe<T>;
    return {"depthwise", false, R::unsupported_reason, make_recipe<T, R>};
}

template Algorithm<float> depthwise_algorithm();
template Algorithm<double> depthwise_algorithm();

}  // namespace tconv::TCONV_TARGET
