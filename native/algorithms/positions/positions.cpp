#include "algorithms/positions/positions.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> positions_algorithm() {
    return {"positions", false, PositionsRecipe<T>::unsupported_reason,
            make_recipe<T, PositionsRecipe<T>>};
}

template Algorithm<float> positions_algorithm();
template Algorithm<double> positions_algorithm();

}  // namespace tconv::TCONV_TARGET
