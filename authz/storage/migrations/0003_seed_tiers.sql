-- What can be bought. Limits are data: change a row, and every process follows within a second.

INSERT INTO tiers (name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max,
                   endpoints, models)
VALUES ('trial',         60,    100000,     5000000,   96, '{embeddings,models}', '{*}'),
       ('standard',    3000,   1000000,   500000000, 2048, '{embeddings,models}', '{*}'),
       ('scale',      30000,  10000000, 10000000000, 2048, '{embeddings,models}', '{*}'),
       ('dedicated', 300000, 100000000, 1000000000000, 2048, '{embeddings,models}', '{*}');
