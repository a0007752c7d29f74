import { expectTypeOf } from 'expect-type';
import {
  StillvecError,
  type ErrorCode,
  type InvalidArgumentError,
  type ModelFormatError,
  type UnsupportedError,
} from 'stillvec';

declare const error: unknown;

if (error instanceof StillvecError) {
  expectTypeOf(error).toExtend<Error>();
  expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
  switch (error.code) {
    case 'ERR_MODEL_NOT_FOUND':
      break;
    // @ts-expect-error -- no error has this code
    case 'ENOENT':
      break;
    default:
      expectTypeOf(error.code).toEqualTypeOf<Exclude<ErrorCode, 'ERR_MODEL_NOT_FOUND'>>();
  }
}

expectTypeOf<ErrorCode>().toEqualTypeOf<
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_MODEL_NOT_FOUND'
  | 'ERR_MODEL_CORRUPT'
  | 'ERR_UNSUPPORTED'
  | 'ERR_IO'
  | 'ERR_MISSING_DEPENDENCY'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_NOT_FINITE'
  | 'ERR_NATIVE_LOAD'
>();
expectTypeOf<InvalidArgumentError>().toExtend<StillvecError>();
expectTypeOf<ModelFormatError>().toExtend<StillvecError>();
expectTypeOf<UnsupportedError>().toExtend<StillvecError>();
