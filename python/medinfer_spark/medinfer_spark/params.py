"""Parameters of models under Spark NLP's names, and what becomes of them here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspark.ml.param import Param, Params, TypeConverters

if TYPE_CHECKING:
    from typing_extensions import Self


def _param(name: str, convert: Callable[[Any], Any], doc: str) -> Param[Any]:
    return Param(Params._dummy(), name, doc, typeConverter=convert)


def _to_biases(value: Any) -> dict[str, Any]:
    """JSON has texts as keys, and so have parameters that were saved."""
    if not isinstance(value, dict):
        raise TypeError("biases must be a dict of numbers")
    return {str(key): bias for key, bias in value.items()}


_int, _float, _bool, _text = (
    TypeConverters.toInt,
    TypeConverters.toFloat,
    TypeConverters.toBoolean,
    TypeConverters.toString,
)
_texts, _ints = TypeConverters.toListString, TypeConverters.toListInt


class AnswerParams(Params):
    """Sent with every row; what is not set is the server's default. Ranges: docs/reference/options.md."""

    chatTemplate = _param("chatTemplate", _text, "a template's name, or Jinja; default: the model's own")
    disableTokenIds = _param("disableTokenIds", _ints, "tokens that are never drawn")
    dynatempExponent = _param("dynatempExponent", _float, "how steeply the temperature follows the entropy")
    dynatempRange = _param("dynatempRange", _float, "how far the temperature follows the entropy; 0: off")
    frequencyPenalty = _param("frequencyPenalty", _float, "taken off a logit for each repeat")
    grammar = _param("grammar", _text, "a GBNF grammar that the answer follows")
    ignoreEos = _param("ignoreEos", _bool, "the model cannot end its turn")
    minKeep = _param("minKeep", _int, "tokens that every filter leaves")
    minP = _param("minP", _float, "keep what is at least this share of the best")
    miroStat = _param("miroStat", _text, "DISABLED, V1 or V2")
    miroStatEta = _param("miroStatEta", _float, "how fast mirostat learns")
    miroStatTau = _param("miroStatTau", _float, "the surprise that mirostat aims at")
    nKeep = _param("nKeep", _int, "only 0: nothing is dropped from a full context")
    nPredict = _param("nPredict", _int, "most tokens of an answer; -1: until its end or that of the context")
    nProbs = _param("nProbs", _int, "so many likeliest tokens beside each, as JSON in metadata.logprobs: 0 to 20")
    penalizeNl = _param("penalizeNl", _bool, "whether line breaks are penalised")
    penaltyPrompt = _param("penaltyPrompt", _text, "stands for the prompt where penalties look back")
    presencePenalty = _param("presencePenalty", _float, "taken off a logit once")
    repeatLastN = _param("repeatLastN", _int, "tokens that penalties look back at")
    repeatPenalty = _param("repeatPenalty", _float, "how much a repeat is penalised; 1: off")
    samplers = _param("samplers", _texts, "the order of the chain")
    seed = _param("seed", _int, "of draws; -1: another one for each row")
    stopStrings = _param("stopStrings", _texts, "texts before which an answer ends")
    temperature = _param("temperature", _float, "0: the likeliest token, always")
    tfsZ = _param("tfsZ", _float, "tail-free sampling; 1: off")
    tokenBias = _param("tokenBias", _to_biases, "added to the logits of each token of a text")
    tokenIdBias = _param("tokenIdBias", _to_biases, "added to logits")
    topK = _param("topK", _int, "keep the likeliest tokens; 0: off")
    topP = _param("topP", _float, "keep tokens until their probabilities sum up to it; 1: off")
    typicalP = _param("typicalP", _float, "keep the most typical tokens; 1: off")
    useChatTemplate = _param("useChatTemplate", _bool, "whether the conversation is put into a template")

    def answer_options(self) -> dict[str, Any]:
        """What was set, by name."""
        return {param.name: self.getOrDefault(param) for param in _params_of(AnswerParams, self)}

    def setChatTemplate(self, value: str) -> Self:
        return self._set(chatTemplate=value)

    def setDisableTokenIds(self, value: list[int]) -> Self:
        return self._set(disableTokenIds=value)

    def setDynamicTemperatureExponent(self, value: float) -> Self:
        return self._set(dynatempExponent=value)

    def setDynamicTemperatureRange(self, value: float) -> Self:
        return self._set(dynatempRange=value)

    def setFrequencyPenalty(self, value: float) -> Self:
        return self._set(frequencyPenalty=value)

    def setGrammar(self, value: str) -> Self:
        return self._set(grammar=value)

    def setIgnoreEos(self, value: bool) -> Self:
        return self._set(ignoreEos=value)

    def setMinKeep(self, value: int) -> Self:
        return self._set(minKeep=value)

    def setMinP(self, value: float) -> Self:
        return self._set(minP=value)

    def setMiroStat(self, value: str) -> Self:
        return self._set(miroStat=value)

    def setMiroStatEta(self, value: float) -> Self:
        return self._set(miroStatEta=value)

    def setMiroStatTau(self, value: float) -> Self:
        return self._set(miroStatTau=value)

    def setNKeep(self, value: int) -> Self:
        return self._set(nKeep=value)

    def setNPredict(self, value: int) -> Self:
        return self._set(nPredict=value)

    def setNProbs(self, value: int) -> Self:
        return self._set(nProbs=value)

    def setPenalizeNl(self, value: bool) -> Self:
        return self._set(penalizeNl=value)

    def setPenaltyPrompt(self, value: str) -> Self:
        return self._set(penaltyPrompt=value)

    def setPresencePenalty(self, value: float) -> Self:
        return self._set(presencePenalty=value)

    def setRepeatLastN(self, value: int) -> Self:
        return self._set(repeatLastN=value)

    def setRepeatPenalty(self, value: float) -> Self:
        return self._set(repeatPenalty=value)

    def setSamplers(self, value: list[str]) -> Self:
        return self._set(samplers=value)

    def setSeed(self, value: int) -> Self:
        return self._set(seed=value)

    def setStopStrings(self, value: list[str]) -> Self:
        return self._set(stopStrings=value)

    def setTemperature(self, value: float) -> Self:
        return self._set(temperature=value)

    def setTfsZ(self, value: float) -> Self:
        return self._set(tfsZ=value)

    def setTokenBias(self, value: dict[str, float]) -> Self:
        return self._set(tokenBias=value)

    def setTokenIdBias(self, value: dict[int, float]) -> Self:
        return self._set(tokenIdBias=value)

    def setTopK(self, value: int) -> Self:
        return self._set(topK=value)

    def setTopP(self, value: float) -> Self:
        return self._set(topP=value)

    def setTypicalP(self, value: float) -> Self:
        return self._set(typicalP=value)

    def setUseChatTemplate(self, value: bool) -> Self:
        return self._set(useChatTemplate=value)


class StartParams(Params):
    """Decided where the server starts: taken, so that code that sets them runs, and told of in a warning."""

    cachePrompt = _param("cachePrompt", _bool, "kv.prefixCache of the model's options at the server")
    flashAttention = _param("flashAttention", _bool, "the server's own choice")
    gpuSplitMode = _param("gpuSplitMode", _text, "splitMode of the model's options at the server")
    mainGpu = _param("mainGpu", _int, "mainGpu of the model's options at the server")
    nBatch = _param("nBatch", _int, "nBatch of the model's options at the server")
    nCtx = _param("nCtx", _int, "medinfer serve --n-ctx")
    nGpuLayers = _param("nGpuLayers", _int, "nGpuLayers of the model's options at the server")
    nThreads = _param("nThreads", _int, "medinfer serve --n-threads")
    nUbatch = _param("nUbatch", _int, "nUbatch of the model's options at the server")
    useMlock = _param("useMlock", _bool, "the server's own choice")
    useMmap = _param("useMmap", _bool, "the server's own choice")

    def start_params(self) -> list[Param[Any]]:
        """Those that were set."""
        return _params_of(StartParams, self)

    def setCachePrompt(self, value: bool) -> Self:
        return self._set(cachePrompt=value)

    def setFlashAttention(self, value: bool) -> Self:
        return self._set(flashAttention=value)

    def setGpuSplitMode(self, value: str) -> Self:
        return self._set(gpuSplitMode=value)

    def setMainGpu(self, value: int) -> Self:
        return self._set(mainGpu=value)

    def setNBatch(self, value: int) -> Self:
        return self._set(nBatch=value)

    def setNCtx(self, value: int) -> Self:
        return self._set(nCtx=value)

    def setNGpuLayers(self, value: int) -> Self:
        return self._set(nGpuLayers=value)

    def setNThreads(self, value: int) -> Self:
        return self._set(nThreads=value)

    def setNUbatch(self, value: int) -> Self:
        return self._set(nUbatch=value)

    def setUseMlock(self, value: bool) -> Self:
        return self._set(useMlock=value)

    def setUseMmap(self, value: bool) -> Self:
        return self._set(useMmap=value)


def _params_of(kind: type[Params], params: Params) -> list[Param[Any]]:
    """Those of one of the classes here that were set."""
    return [param for param in params.params if isinstance(vars(kind).get(param.name), Param) and params.isSet(param)]
