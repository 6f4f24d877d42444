import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { getMetadataStorage } from 'class-validator';
import type { Request, Response } from 'express';
import { ignoredParameters } from './query-names.js';

const IGNORED_PARAMETERS = 'X-Ignored-Parameters';

const knownByHandler = new WeakMap<object, ReadonlySet<string>>();

/**
 * Names in the answer the query parameters that the route does not know. A mistyped filter would otherwise go
 * unnoticed, because everything is returned.
 */
export function nameIgnoredParameters(context: ExecutionContext, request: Request, response: Response): void {
  // Hardly any request has a query, and parsing one is not free.
  if (!request.url.includes('?')) return;
  const handler = context.getHandler();
  let known = knownByHandler.get(handler);
  if (known === undefined) {
    known = parametersOf(context.getClass(), handler.name);
    knownByHandler.set(handler, known);
  }
  nameAllBut(known, request, response);
}

/**
 * The same for a route that reads no query at all and is not guarded: a client could think that `?mode=batch` works
 * like the body's member.
 */
export function nameWholeQuery(request: Request, response: Response): void {
  if (request.url.includes('?')) nameAllBut(new Set(), request, response);
}

function nameAllBut(known: ReadonlySet<string>, request: Request, response: Response): void {
  const ignored = ignoredParameters(request.query, known);
  if (ignored !== null) response.setHeader(IGNORED_PARAMETERS, ignored);
}

/** The members of the class that the method's `@Query()` has, as the pipe knows them; none where it reads no query. */
function parametersOf(controller: Type, method: string): ReadonlySet<string> {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { index: number }
  >;
  const query = Object.entries(args).find(([key]) => key.startsWith(`${RouteParamtypes.QUERY}:`));
  if (query === undefined) return new Set();
  const types = Reflect.getMetadata('design:paramtypes', controller.prototype as object, method) as Type[];
  const rules = getMetadataStorage().getTargetValidationMetadatas(types[query[1].index] as Type, '', false, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}

type Type = new (...args: never[]) => unknown;
