"""External tools that play modules, and what they tell us."""

import sqlalchemy as sa
from alembic import op
from plugin.core.base import Json
from plugin.core.base import UTCDateTime
revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('external_tool',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('login_url', sa.Text(), nullable=False),
    sa.Column('redirect_urls', Json, nullable=False),
    sa.Column('jwks_url', sa.Text(), nullable=False),
    sa.Column('target_url', sa.Text(), nullable=False),
    sa.Column('picker_url', sa.Text(), nullable=True),
    sa.Column('custom', Json, nullable=False),
    sa.Column('scopes', Json, nullable=False),
    sa.Column('shares_name', sa.Boolean(), nullable=False),
    sa.Column('shares_email', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_external_tool_organization_id_organization')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_external_tool')),
    sa.UniqueConstraint('client_id', name=op.f('uq_external_tool_client_id')),
    sa.UniqueConstraint('uid', name=op.f('uq_external_tool_uid'))
    )
    with op.batch_alter_table('external_tool', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_external_tool_organization_id'), ['organization_id'], unique=False)

    op.create_table('pairwise_id',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_pairwise_id_organization_id_organization')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_pairwise_id_person_id_person')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_pairwise_id_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pairwise_id')),
    sa.UniqueConstraint('tool_id', 'person_id', name=op.f('uq_pairwise_id_tool_id_person_id')),
    sa.UniqueConstraint('tool_id', 'subject', name=op.f('uq_pairwise_id_tool_id_subject'))
    )
    op.create_table('platform_key',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('sealed_private_key', sa.Text(), nullable=False),
    sa.Column('public_jwk', Json, nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('retired_at', UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_platform_key_organization_id_organization')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_platform_key_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_platform_key')),
    sa.UniqueConstraint('kid', name=op.f('uq_platform_key_kid'))
    )
    with op.batch_alter_table('platform_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_platform_key_tool_id'), ['tool_id'], unique=False)

    op.create_table('tool_access_token',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('scopes', Json, nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('expires_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_access_token_organization_id_organization')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_tool_access_token_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_access_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_tool_access_token_token_hash'))
    )
    with op.batch_alter_table('tool_access_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_access_token_expires_at'), ['expires_at'], unique=False)

    op.create_table('tool_invitation',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('created_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('expires_at', UTCDateTime(), nullable=False),
    sa.Column('used_at', UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['person.id'], name=op.f('fk_tool_invitation_created_by_person')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_invitation_organization_id_organization')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_invitation')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_tool_invitation_token_hash')),
    sa.UniqueConstraint('uid', name=op.f('uq_tool_invitation_uid'))
    )
    with op.batch_alter_table('tool_invitation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_invitation_organization_id'), ['organization_id'], unique=False)

    op.create_table('tool_seen_token',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('expires_at', UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_seen_token_organization_id_organization')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_tool_seen_token_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_seen_token')),
    sa.UniqueConstraint('tool_id', 'jti', name=op.f('uq_tool_seen_token_tool_id_jti'))
    )
    with op.batch_alter_table('tool_seen_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_seen_token_expires_at'), ['expires_at'], unique=False)

    op.create_table('tool_link',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('module_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('module_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('target_url', sa.Text(), nullable=False),
    sa.Column('custom', Json, nullable=False),
    sa.ForeignKeyConstraint(['module_id'], ['module.id'], name=op.f('fk_tool_link_module_id_module')),
    sa.ForeignKeyConstraint(['module_version_id'], ['module_version.id'], name=op.f('fk_tool_link_module_version_id_module_version')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_link_organization_id_organization')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_tool_link_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_link')),
    sa.UniqueConstraint('module_version_id', name=op.f('uq_tool_link_module_version_id')),
    sa.UniqueConstraint('uid', name=op.f('uq_tool_link_uid'))
    )
    with op.batch_alter_table('tool_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_link_module_id'), ['module_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_tool_link_tool_id'), ['tool_id'], unique=False)

    op.create_table('tool_column',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.Text(), nullable=False),
    sa.Column('link_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('bound_link_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('score_maximum', sa.Double(), nullable=False),
    sa.Column('resource_id', sa.Text(), nullable=True),
    sa.Column('tag', sa.Text(), nullable=True),
    sa.Column('start_at', UTCDateTime(), nullable=True),
    sa.Column('end_at', UTCDateTime(), nullable=True),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('removed_at', UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['bound_link_id'], ['tool_link.id'], name=op.f('fk_tool_column_bound_link_id_tool_link')),
    sa.ForeignKeyConstraint(['link_id'], ['tool_link.id'], name=op.f('fk_tool_column_link_id_tool_link')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_column_organization_id_organization')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_tool_column_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_column')),
    sa.UniqueConstraint('link_id', name=op.f('uq_tool_column_link_id')),
    sa.UniqueConstraint('uid', name=op.f('uq_tool_column_uid'))
    )
    with op.batch_alter_table('tool_column', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_column_tool_id'), ['tool_id'], unique=False)

    op.create_table('tool_launch',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose', sa.String(length=40), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sign_in_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('target_url', sa.Text(), nullable=False),
    sa.Column('login_hash', sa.Text(), nullable=False),
    sa.Column('message_hash', sa.Text(), nullable=False),
    sa.Column('in_window', sa.Boolean(), nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('expires_at', UTCDateTime(), nullable=False),
    sa.Column('used_at', UTCDateTime(), nullable=True),
    sa.Column('answer_hash', sa.Text(), nullable=True),
    sa.Column('answered_at', UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_tool_launch_organization_id_organization')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_tool_launch_person_id_person')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_tool_launch_run_id_run')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_tool_launch_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_launch')),
    sa.UniqueConstraint('answer_hash', name=op.f('uq_tool_launch_answer_hash')),
    sa.UniqueConstraint('login_hash', name=op.f('uq_tool_launch_login_hash'))
    )
    with op.batch_alter_table('tool_launch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tool_launch_expires_at'), ['expires_at'], unique=False)

    op.create_table('score_callback',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organization_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tool_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('column_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('stamped_at', UTCDateTime(), nullable=False),
    sa.Column('received_at', UTCDateTime(), nullable=False),
    sa.Column('is_final', sa.Boolean(), nullable=False),
    sa.Column('score', sa.Double(), nullable=True),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['column_id'], ['tool_column.id'], name=op.f('fk_score_callback_column_id_tool_column')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_score_callback_organization_id_organization')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_score_callback_person_id_person')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_score_callback_run_id_run')),
    sa.ForeignKeyConstraint(['tool_id'], ['external_tool.id'], name=op.f('fk_score_callback_tool_id_external_tool')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_score_callback')),
    sa.UniqueConstraint('column_id', 'person_id', 'stamped_at', name=op.f('uq_score_callback_column_id_person_id_stamped_at'))
    )
    with op.batch_alter_table('score_callback', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_score_callback_organization_id_received_at'), ['organization_id', 'received_at'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('score_callback', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_score_callback_organization_id_received_at'))

    op.drop_table('score_callback')
    with op.batch_alter_table('tool_launch', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_launch_expires_at'))

    op.drop_table('tool_launch')
    with op.batch_alter_table('tool_column', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_column_tool_id'))

    op.drop_table('tool_column')
    with op.batch_alter_table('tool_link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_link_tool_id'))
        batch_op.drop_index(batch_op.f('ix_tool_link_module_id'))

    op.drop_table('tool_link')
    with op.batch_alter_table('tool_seen_token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_seen_token_expires_at'))

    op.drop_table('tool_seen_token')
    with op.batch_alter_table('tool_invitation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_invitation_organization_id'))

    op.drop_table('tool_invitation')
    with op.batch_alter_table('tool_access_token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tool_access_token_expires_at'))

    op.drop_table('tool_access_token')
    with op.batch_alter_table('platform_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_platform_key_tool_id'))

    op.drop_table('platform_key')
    op.drop_table('pairwise_id')
    with op.batch_alter_table('external_tool', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_external_tool_organization_id'))

    op.drop_table('external_tool')
