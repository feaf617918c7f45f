/** Passwords and passphrases: the value of the environment is tried once, then the user is asked. */
import type { Interaction } from './interaction.ts';

export interface SecretTries {
  /** Whether {@link next} may still return a secret. */
  readonly left: boolean;
  /**
   * The next secret to try; undefined where there is none or nobody answers. `problem`: see {@link Interaction.secret}.
   */
  next(prompt: string, problem?: string): Promise<string | undefined>;
}

/** The tries for one secret: the value of the environment, then up to `limit` answers of the user. */
export function secretTries(
  fromEnvironment: string | undefined,
  interaction: Interaction | undefined,
  limit: number,
): SecretTries {
  let environmentLeft = fromEnvironment !== undefined && fromEnvironment !== '';
  let asksLeft = interaction === undefined ? 0 : limit;
  return {
    get left() {
      return environmentLeft || asksLeft > 0;
    },
    async next(prompt, problem) {
      if (environmentLeft) {
        environmentLeft = false;
        return fromEnvironment;
      }
      if (asksLeft <= 0) return undefined;
      asksLeft--;
      const answer = await interaction?.secret(prompt, problem);
      if (answer === undefined) asksLeft = 0;
      return answer;
    },
  };
}
