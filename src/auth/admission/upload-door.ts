import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { refuseUpload } from '../../common/refuse-upload.js';
import { rawAnswer } from '../../common/client-error.js';
import { connectionOf } from '../../common/connections/connections.js';
import { errorBody } from '../../common/http-error.filter.js';
import { announcesBody } from '../../common/request-body.js';
import { countRefusal } from '../../common/refusal-metrics.js';
import { ServiceError, type ErrorCode } from '../../common/service-error.js';
import type { UploadGate } from '../upload-gate.js';
import { claimantAt } from './claimant.js';

/** How often the log says how many uploads were refused. One line for each would flood the log. */
const TELL_MS = 10_000;

const SIGNATURE = /\r\nx-signature:[ \t]*([^\r ]*)/i;
/** The target may be a whole URI, and routes match in upper and lower case. */
const API_TARGET = /^[A-Z]+ (?:https?:\/\/[^/ ]*)?\/api\//i;
const API_PATH = /^\/api\//i;
const BODY_HEADER = /\r\n(?:content-length:[ \t]*0*[1-9]|transfer-encoding:)/i;

/**
 * Lets requests with a body in or refuses them before any other work is done for them. With thousands at once, the cost
 * of a refusal decides whether others are still served. Small bodies count too: 2,500 connections that each sent 60
 * bytes took 170 MB when their refusals went through the routes.
 */
export class UploadDoor {
  private readonly logger = new Logger('UploadGate');
  private counts: Record<string, number> = {};
  private timer: NodeJS.Timeout | undefined;

  /** @param knowsClients - whether the connection's address is the client's: no proxy stands in front */
  constructor(
    private readonly gate: UploadGate,
    private readonly knowsClients: boolean,
  ) {}

  /**
   * Looks at the first bytes of a connection.
   * @param head - request line and headers, whole
   * @returns the bytes of the refusal; null where the request is to be parsed as any other
   */
  refuseUnparsed(head: string, address: string | undefined): string | null {
    if (!this.knowsClients || !(API_TARGET.test(head) && BODY_HEADER.test(head))) return null;
    const error = this.gate.refusal(claimantAt(address, SIGNATURE.exec(head)?.[1]));
    if (error === null) return null;
    this.count(error.code);
    return rawAnswer(error.status, errorBody(error), error.headers);
  }

  /** The same for a request that was parsed; one that is let in takes its place. */
  readonly admit = (request: Request, response: Response, next: NextFunction): void => {
    if (!API_PATH.test(request.path) || !announcesBody(request)) return next();
    try {
      const upload = this.gate.enter(request, request.ip);
      const connection = connectionOf(request);
      if (connection !== undefined) connection.isKnown = upload.good;
      // The place is given back when the request is refused before it is taken in, or when the client disconnects.
      response.once('close', () => {
        if (!upload.taken) upload.release();
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) return next(error);
      this.count(error.code);
      response.status(error.status).set(error.headers);
      return refuseUpload(request, response, JSON.stringify(errorBody(error)));
    }
    next();
  };

  private count(code: ErrorCode): void {
    countRefusal(code);
    this.counts[code] = (this.counts[code] ?? 0) + 1;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.logger.warn('uploads were refused before they were read', this.counts);
      this.counts = {};
    }, TELL_MS).unref();
  }
}
