import { expect, it } from 'vitest'
import { BlockPool, blockSize, crowd, crowdedBlockSize } from '../src/disk/block-pool.ts'

it('lends blocks that share no byte, smaller ones where many are lent, and lends those again that came back', () => {
  const pool = new BlockPool()
  const lent = Array.from({ length: 60 }, () => pool.take())
  for (const [i, block] of lent.entries()) block.fill(i)
  for (const [i, block] of lent.entries()) {
    expect(block).toHaveLength(i < crowd ? blockSize : crowdedBlockSize)
    expect(block.byteOffset % 4096).toBe(0)
    expect(block.every(byte => byte === i)).toBe(true)
  }
  const memory = new Set(lent.map(({ buffer }) => buffer))
  for (const block of lent) pool.giveBack(block)
  expect(memory).toContain(pool.take().buffer)
})

it('keeps no more idle memory than one slab, whoever had blocks before', () => {
  const pool = new BlockPool()
  const lent = Array.from({ length: 10 * crowd }, () => pool.take())
  for (const block of lent.splice(0)) pool.giveBack(block)
  const again = Array.from({ length: crowd }, () => pool.take())
  expect(new Set(again.map(({ buffer }) => buffer)).size).toBe(1)
})

it('lends nobody a second block when many have one', () => {
  const pool = new BlockPool()
  const first = Array.from({ length: crowd - 1 }, () => pool.take())
  const second = pool.takeSecond()
  expect(second).toHaveLength(blockSize)
  expect(pool.takeSecond()).toBeUndefined()
  // The first is never refused.
  expect(pool.take()).toHaveLength(crowdedBlockSize)
  for (const block of first) pool.giveBack(block)
  expect(pool.takeSecond()).toHaveLength(blockSize)
})

it('takes back no block of another pool', () => {
  expect(() => new BlockPool().giveBack(new BlockPool().take())).toThrow('another pool')
})
