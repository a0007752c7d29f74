import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The machine that figures were measured on: without it, they say nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** From the smallest to the largest, with their size: "L1d 32K". Empty where the system does not tell. */
  readonly caches: readonly string[];
  readonly system: string;
  readonly node: string;
  /** Of the last minute, when the run began: other programs' share of the cores. */
  readonly load: number;
}

export function describeMachine(): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? os.arch(),
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    caches: caches(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    load: os.loadavg()[0] ?? NaN,
  };
}

export function machineLine(machine: Machine, isa: string): string {
  const { cpu, cores, caches, memoryBytes, system, node, load } = machine;
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  return `${[`${cpu}, ${cores} cores`, ...caches, memory, `ISA in use: ${isa}`, system, `Node.js ${node}`].join('; ')}; load ${load.toFixed(1)}`;
}

function caches(): string[] {
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  const read = (index: string, file: string): string => readFileSync(path.join(folder, index, file), 'utf8').trim();
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('index') && read(name, 'type') !== 'Instruction')
      .map((name) => `L${read(name, 'level')}${read(name, 'type') === 'Data' ? 'd' : ''} ${read(name, 'size')}`);
  } catch {
    return [];
  }
}
