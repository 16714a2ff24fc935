// The gateway's frames, as far as this SDK uses them.

/** A state of a blocklist. */
export interface Position {
  List: string;
  Sequence: number;
}

export interface Entry {
  To_Account: string;
  AddBlackTimeStamp: number;
}

export interface Change {
  Sequence: number;
  Added: Entry[] | null;
  Removed: string[] | null;
}

export interface News extends Position {
  Reload: boolean;
  Changes: Change[] | null;
}

export interface Page extends Position {
  BlackListItem: Entry[] | null;
  Cursor: string;
}

export interface LoginResult {
  ExpireTime: number;
  HeartbeatSeconds: number;
  MaxFrame: number;
  Blocklist: News;
}

export interface TargetsResult {
  ResultItem: { To_Account: string; ResultCode: number; ResultInfo: string }[];
}

export interface Frame {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { code: number; message: string; data?: { Refusal?: number; RetryAfterMS?: number } };
}

/** What the range of a refusal tells a client to do. */
export type Advice = 'retry' | 'login' | 'stop' | 'fix';

/** Refusals that this SDK must tell apart; for all else the range is enough. */
export const REFUSAL_REVOKED = 4101;
export const REFUSAL_KICKED = 4200;

/** Reads a refusal by its range, so that no list is needed; undefined for what is none. */
export function advice(refusal: number | undefined): Advice | undefined {
  const ranges: Advice[] = ['retry', 'login', 'stop', 'fix'];
  return refusal === undefined || refusal < 4000 ? undefined : ranges[Math.floor((refusal - 4000) / 100)];
}

/** ResultInfo of an item that is already as the call wants it. */
const already = ['Err_SNS_BlackListAdd_Already_Exist', 'Err_SNS_BlackListDelete_Not_Exist'];

/** Tells whether an item failed only because it was already as the call wants it. */
export function isAlready(info: string): boolean {
  return already.includes(info);
}
