/**
 * For a child that must print nothing: on a host that has built the CUDA backend but has no GPU, Node prints our warning
 * that the CPU is used. test/engine/devices.test.ts is about that warning.
 */
export const withoutCpuWarning = "--disable-warning=MEDINFER_CPU";
