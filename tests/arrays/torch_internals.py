"""What PyTorch tests its own convolutions with, from its test library."""

import sys
import unittest
from types import SimpleNamespace

# imported there for a base class alone
sys.modules.setdefault("expecttest", SimpleNamespace(TestCase=unittest.TestCase))

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from torch.testing._internal.common_modules import module_db  # noqa: E402

OPERATORS = {
    op.name.rpartition(".")[2]: op for op in op_db if op.name.startswith("nn.functional.conv")
}
MODULES = {
    info.module_cls.__name__: info for info in module_db if "ConvTranspose" in info.name
}  # Lazy ones too
