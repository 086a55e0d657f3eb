from descend import errors as errors
from descend.estimators.linear_regression import LinearRegression as LinearRegression
from descend.estimators.logistic_regression import LogisticRegression as LogisticRegression
from descend.estimators.mlp_classifier import MLPClassifier as MLPClassifier
from descend.estimators.mlp_regressor import MLPRegressor as MLPRegressor
from descend.models import Model as Model
from descend.models import load as load
from descend.networks import AbsoluteError as AbsoluteError
from descend.networks import BinaryCrossEntropy as BinaryCrossEntropy
from descend.networks import CrossEntropy as CrossEntropy
from descend.networks import Dense as Dense
from descend.networks import Dropout as Dropout
from descend.networks import Huber as Huber
from descend.networks import Network as Network
from descend.networks import Poisson as Poisson
from descend.networks import Quantile as Quantile
from descend.networks import SquaredError as SquaredError
from descend.optimizers import SGD as SGD
from descend.optimizers import Adam as Adam
from descend.optimizers import AdamW as AdamW
from descend.optimizers import RMSprop as RMSprop
from descend.optimizers import schedules as schedules
from descend.training import Training as Training
from descend.training import train as train
from descend.training import train_many as train_many
from descend.workflow import fit as fit

__version__: str
__all__: list[str]
